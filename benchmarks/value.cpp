#include "benchmarks/harness.hpp"

#include <theus/value.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace {

using theus::Value;
using theus::bench::Case;
using theus::bench::keep;
using theus::bench::per_second;

constexpr int order_fields = 45;
constexpr std::int64_t list_length = 1'000'000;

// A third each of integers, short and long texts, as orders have.
template <class Put>
void fill_order(Put put) {
  for (int i = 0; i < order_fields; ++i) {
    const std::string key = "field_" + std::to_string(i);
    if (i % 3 == 0)
      put(key, i * 1000);
    else if (i % 3 == 1)
      put(key, "S-" + std::to_string(i));
    else
      put(key, "a line of an order that is too long to stand inside, number " + std::to_string(i));
  }
}

Value value_order() {
  Value order = Value::map();
  fill_order([&](const std::string& key, auto field) { order.set(key, std::move(field)); });
  return order;
}

nlohmann::json json_order() {
  nlohmann::json order;
  fill_order([&](const std::string& key, auto field) { order[key] = std::move(field); });
  return order;
}

void order_copy(Case& subject) {
  subject.ours([order = value_order()] {
    return per_second([&] {
      const Value copy = order;
      keep(copy);
    });
  });
  subject.peer("nlohmann", [order = json_order()] {
    return per_second([&] {
      const nlohmann::json copy = order;
      keep(copy);
    });
  });
}

void order_change(Case& subject) {
  subject.ours([order = value_order()] {
    return per_second([&] {
      Value changed = order;
      changed.set("field_21", 7);
      keep(changed);
    });
  });
  subject.peer("nlohmann", [order = json_order()] {
    return per_second([&] {
      nlohmann::json changed = order;
      changed["field_21"] = 7;
      keep(changed);
    });
  });
}

void list_append(Case& subject) {
  std::vector<Value> items;
  items.reserve(list_length);
  for (std::int64_t i = 0; i < list_length; ++i)
    items.emplace_back(i);
  subject.ours([list = Value::list(items)] {
    return per_second([&] {
      Value longer = list;
      longer.push_back(1);
      keep(longer);
    });
  });
  subject.peer("vector copy", [items = std::vector<std::int64_t>(list_length, 1)] {
    return per_second([&] {
      std::vector<std::int64_t> longer;
      longer.reserve(items.size() + 1);
      longer = items;
      longer.push_back(1);
      keep(longer);
    });
  });
}

}  // namespace

int main(int argc, char** argv) {
  theus::bench::Program program{"value"};
  program.add("order copy", "copies/s", order_copy);
  program.add("order copy and change", "changes/s", order_change);
  program.add("append at 1M", "appends/s", list_append);
  return program.run(argc, argv);
}
