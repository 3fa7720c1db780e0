#include "runtime/zone_set.hpp"

#include "tests/support/generators.hpp"
#include "tests/support/property.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

ZoneSet asked_afresh(const Value& value) {
  ZoneSet zones;
  for (const auto [key, item] : value.members()) {
    zones.add(zone_of_key(key));
    zones |= asked_afresh(item);
  }
  return zones;
}

TEST_CASE("the zones in a map are those of its keys and of the maps in it", "[zone]") {
  const Value value{{"a", Value{{"const_b", 1}}}, {"log_c", Value{{"meta", 2}}}, {"d", 3}};
  const ZoneSet zones = zones_in(value);
  CHECK(zones.bits() == ZoneSet{Zone::constant, Zone::log, Zone::meta}.bits());
  CHECK(zones.meets({Zone::signal, Zone::log}));
  CHECK_FALSE(zones.meets({Zone::signal, Zone::heavy}));
  CHECK(zones_in(Value::list({value})).bits() == 0);
  CHECK(zones_in(Value::map()).bits() == 0);
  CHECK(zones_in("const_a").bits() == 0);
}

TEST_CASE("the zones in a map stay true while it and its copies change", "[zone][property]") {
  testing::holds(100, [] {
    constexpr std::array keys{"a", "b", "c", "const_d", "log_e", "internal_f", "meta_g"};
    std::vector<Value> copies{Value::map()};
    const auto steps = *rc::gen::inRange(1, 200);
    for (int i = 0; i < steps; ++i) {
      Value& value = copies[*rc::gen::inRange<std::size_t>(0, copies.size())];
      const std::string key = *rc::gen::elementOf(keys) + std::to_string(*rc::gen::inRange(0, 40));
      switch (*rc::gen::inRange(0, 4)) {
        case 0: value.erase(key); break;
        case 1: {
          Value below = value[key].is_map() ? value[key] : Value::map();
          below.set(*rc::gen::elementOf(keys), Value{{*rc::gen::elementOf(keys), i}});
          value.set(key, std::move(below));
          break;
        }
        case 2: copies.push_back(value); break;
        default: value.set(key, i); break;
      }
      if (*rc::gen::inRange(0, 3) == 0)
        for (const Value& copy : copies)
          RC_ASSERT(zones_in(copy).bits() == asked_afresh(copy).bits());
    }
  });
}

TEST_CASE("a map may be nested a million deep when its zones are asked for", "[zone]") {
  Value value{{"sig_a", 1}};
  for (int depth = 0; depth < 1'000'000; ++depth) {
    Value around = Value::map();
    around.set("a", std::move(value));
    value = std::move(around);
  }
  CHECK(zones_in(value).has(Zone::signal));
}

}  // namespace
}  // namespace theus
