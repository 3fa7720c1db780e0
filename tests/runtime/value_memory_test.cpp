#include <theus/digest.hpp>
#include <theus/fields.hpp>
#include <theus/json.hpp>
#include <theus/limits.hpp>

#include "runtime/cbor.hpp"
#include "tests/support/failing_allocation.hpp"
#include "tests/support/well_formed.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <new>

namespace theus {

struct Point {
  std::string name;
  std::vector<double> at;
  std::optional<std::map<std::string, int>> tags;
};
THEUS_FIELDS(Point, name, at, tags)

namespace {

using testing::FailingAllocation;
using testing::is_well_formed;
using testing::live_blocks;

constexpr const char* long_text = "a text that is too long to stand inside a value";

// Whether bad_alloc left the operation when its nth allocation failed; nothing when it made fewer. (It need not leave:
// sorting, for one, does without the memory that it does not get.)
std::optional<bool> throws_at(std::size_t nth, const std::function<void()>& operation) {
  bool threw = false;
  FailingAllocation failing{nth};
  try {
    operation();
  } catch (const std::bad_alloc&) {
    threw = true;
  }
  return failing.has_failed() ? std::optional{threw} : std::nullopt;
}

// Lets each allocation of the operation fail once; returns how many there are.
std::size_t fail_everywhere(const std::function<void()>& operation) {
  for (std::size_t nth = 1;; ++nth) {
    const std::size_t live_before = live_blocks();
    const auto threw = throws_at(nth, operation);
    const std::size_t live_after = live_blocks();
    if (!threw)
      return nth - 1;
    CAPTURE(nth, *threw);
    REQUIRE(live_after == live_before);
  }
}

// Lets each allocation of the edit fail once, on a value that nobody else holds and on one that is shared.
void check_edit(const char* name, const Value& original, const std::function<void(Value&)>& edit) {
  Value expected = original;
  edit(expected);
  const auto cbor = to_cbor(original);
  for (const bool is_shared : {false, true}) {
    for (std::size_t nth = 1, done = 0; done == 0; ++nth) {
      CAPTURE(name, original.size(), is_shared, nth);
      const std::size_t live_before = live_blocks();
      {
        Value value = is_shared ? original : from_cbor(cbor).value();
        const auto threw = throws_at(nth, [&] { edit(value); });
        done = threw ? 0 : 1;
        CHECK(is_well_formed(value));
        CHECK(value == (threw.value_or(false) ? original : expected));
      }
      CHECK(live_blocks() == live_before);
    }
  }
  CHECK(original == from_cbor(cbor).value());
}

Value list_of_size(int size) {
  Value list = Value::list();
  for (int i = 0; i < size; ++i)
    list.push_back(i % 3 == 0 ? Value{long_text} : Value{i});
  return list;
}

Value map_of_size(int size) {
  Value map = Value::map();
  for (int i = 0; i < size; ++i)
    map.set("a key of more than fifteen bytes " + std::to_string(i), i);
  return map;
}

TEST_CASE("when memory ends while a list is edited, the list is as it was [F14]", "[value][F14]") {
  const int size = GENERATE(0, 1, 4, 31, 32, 33, 64, 1024, 1025, 33'000);
  const Value list = list_of_size(size);
  const auto middle = static_cast<std::size_t>(size / 2);
  check_edit("push_back", list, [](Value& value) { value.push_back(long_text); });
  check_edit("insert at the front", list, [](Value& value) { value.insert(0, long_text); });
  check_edit("insert in the middle", list, [=](Value& value) { value.insert(middle, 1); });
  check_edit("splice", list,
             [=](Value& value) { value.splice(middle, value.size() - middle > 2 ? 2 : 0, list_of_size(40)); });
  if (size == 0)
    return;
  check_edit("replace", list, [=](Value& value) { value.replace(middle, long_text); });
  check_edit("erase the first", list, [](Value& value) { value.erase_at(0); });
  check_edit("erase the last", list, [](Value& value) { value.erase_at(value.size() - 1); });
  check_edit("erase in the middle", list, [=](Value& value) { value.erase_at(middle); });
}

TEST_CASE("when memory ends while a map is edited, the map is as it was [F14]", "[value][F14]") {
  const int size = GENERATE(0, 1, 4, 32, 33, 1100);
  const Value map = map_of_size(size);
  check_edit("set a new key", map, [](Value& value) { value.set("a key of more than fifteen bytes: new", long_text); });
  check_edit("set the first key", map, [](Value& value) { value.set("a", 1); });
  check_edit("set a known key", map, [](Value& value) { value.set("a key of more than fifteen bytes 0", long_text); });
  check_edit("erase", map, [](Value& value) { value.erase("a key of more than fifteen bytes 0"); });
}

TEST_CASE("when memory ends while a value is made, nothing leaks [F14]", "[value][F14]") {
  const std::vector<Value> items(2000, Value{long_text});
  std::vector<std::pair<std::string, Value>> members;
  for (int i = 0; i < 1500; ++i)
    members.emplace_back(std::to_string(i), long_text);
  const Value document{{"list", list_of_size(1100)}, {"map", map_of_size(40)}, {"bytes", Value::bytes(to_cbor(1))}};
  const std::string json = to_json(document);
  const auto cbor = to_cbor(document);
  const Value point{{"name", long_text}, {"at", Value::list({1.0, 2.0})}, {"tags", Value{{long_text, 1}}}};

  CHECK(fail_everywhere([&] { (void)Value::list(items); }) > 60);
  CHECK(fail_everywhere([&] { (void)Value::map(members); }) > 50);
  CHECK(fail_everywhere([&] { (void)Value{{"a", long_text}, {"b", Value::list({1, 2})}}; }) > 3);
  CHECK(fail_everywhere([&] { (void)parse_json(json); }) > 100);
  CHECK(fail_everywhere([&] { (void)parse_json("[1, 2, x]"); }) > 3);
  CHECK(fail_everywhere([&] { (void)from_cbor(cbor); }) > 100);
  CHECK(fail_everywhere([&] { (void)to_json(document); }) > 3);
  CHECK(fail_everywhere([&] { (void)to_cbor(document); }) > 1);
  CHECK(fail_everywhere([&] { (void)digest(from_cbor(cbor).value()); }) > 3);
  CHECK(fail_everywhere([&] { (void)point.get<Point>().value(); }) > 3);
  CHECK(fail_everywhere([&] { (void)to_value(Point{long_text, {1, 2}, {}}); }) > 3);
  CHECK(fail_everywhere([&] { (void)check_limits(document, {.bytes_max = 10}); }) > 3);
}

TEST_CASE("when memory ends while deep values are compared or hashed, bad_alloc leaves [F14]", "[value][F14]") {
  const auto nested = [] {
    Value value = 1;
    for (int i = 0; i < 100; ++i)
      value = Value::list({value});
    return value;
  };
  const Value a = nested();
  const Value b = nested();
  CHECK(fail_everywhere([&] { (void)(a == b); }) > 0);
  CHECK(fail_everywhere([&] { (void)a.hash(); }) > 0);
}

TEST_CASE("shallow values are compared, hashed, copied and destroyed without memory [F14]", "[value][F14]") {
  const Value a = list_of_size(3000);
  const Value b = list_of_size(3000);
  FailingAllocation failing{1};
  const bool equal = a == b;
  const bool same_hash = a.hash() == b.hash();
  const bool same_copy = Value{a} == b;
  const bool tried = failing.has_failed();
  CHECK(equal);
  CHECK(same_hash);
  CHECK(same_copy);
  CHECK_FALSE(tried);
}

}  // namespace
}  // namespace theus
