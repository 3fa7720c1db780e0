#include "tests/support/generators.hpp"
#include "tests/support/well_formed.hpp"

#include <catch2/catch.hpp>

#include <map>

namespace theus {
namespace {

using testing::is_well_formed;

struct CanonicalOrder {
  bool operator()(const std::string& a, const std::string& b) const { return key_before(a, b); }
};

Value value_of(const std::vector<Value>& model) { return Value::list(model); }

Value value_of(const std::map<std::string, Value, CanonicalOrder>& model) {
  return Value::map(std::vector<std::pair<std::string, Value>>{model.begin(), model.end()});
}

// Checks the subject against its model, element by element and as a whole.
void check_same(const Value& list, const std::vector<Value>& model) {
  RC_ASSERT(is_well_formed(list));
  RC_ASSERT(std::ranges::equal(list.items(), model));
  RC_ASSERT(list == value_of(model));
  RC_ASSERT(list.hash() == value_of(model).hash());
}

void check_same(const Value& map, const std::map<std::string, Value, CanonicalOrder>& model) {
  RC_ASSERT(is_well_formed(map));
  RC_ASSERT(map.size() == model.size());
  auto expected = model.begin();
  for (const auto [key, item] : map.members()) {
    RC_ASSERT(key == expected->first);
    RC_ASSERT(item == expected->second);
    ++expected;
  }
  RC_ASSERT(map == value_of(model));
  RC_ASSERT(map.hash() == value_of(model).hash());
}

TEST_CASE("a list does what a vector does, and its earlier versions stay", "[value]") {
  rc::prop("any sequence of edits", [](const std::vector<std::tuple<std::uint8_t, std::size_t, int>>& edits) {
    const auto start = *rc::gen::inRange(0, 200);
    std::vector<Value> model;
    for (int i = 0; i < start; ++i)
      model.emplace_back(i);
    Value list = value_of(model);
    std::vector<std::pair<Value, std::vector<Value>>> versions;
    for (const auto& [action, position, content] : edits) {
      if (action % 5 == 0)
        versions.emplace_back(list, model);
      const std::size_t at = position % (model.size() + 1);
      const auto place = model.begin() + static_cast<std::ptrdiff_t>(at);
      const std::size_t removed = std::min<std::size_t>(action % 40, model.size() - at);
      if (action % 7 == 0) {
        const Value inserted = Value::list({content, list});
        list.splice(at, removed, inserted);
        const auto rest = model.erase(place, place + static_cast<std::ptrdiff_t>(removed));
        model.insert(rest, {inserted[0], inserted[1]});
      } else if (action % 7 < 4 || at == model.size()) {
        list.insert(at, content);
        model.insert(place, content);
      } else if (action % 7 == 4) {
        list.replace(at, content);
        *place = content;
      } else {
        list.erase_at(at);
        model.erase(place);
      }
    }
    check_same(list, model);
    for (const auto& [version, expected] : versions)
      check_same(version, expected);
  });
}

TEST_CASE("a map does what a sorted map does, and its earlier versions stay", "[value]") {
  rc::prop("any sequence of edits", [](const std::vector<std::pair<std::uint8_t, int>>& edits) {
    std::map<std::string, Value, CanonicalOrder> model;
    const auto start = *rc::gen::inRange(0, 200);
    for (int i = 0; i < start; ++i)
      model[std::to_string(i)] = i;
    Value map = value_of(model);
    std::vector<std::pair<Value, std::map<std::string, Value, CanonicalOrder>>> versions;
    for (const auto& [action, content] : edits) {
      if (action % 5 == 0)
        versions.emplace_back(map, model);
      const std::string key = action % 3 == 0 ? *testing::key() : std::to_string(std::abs(content % 300));
      if (action % 2 == 0) {
        map.set(key, content);
        model[key] = content;
      } else {
        RC_ASSERT(map.erase(key) == (model.erase(key) == 1));
      }
      RC_ASSERT(map.contains(key) == (model.count(key) == 1));
    }
    check_same(map, model);
    for (const auto& [version, expected] : versions)
      check_same(version, expected);
  });
}

TEST_CASE("equality of values is that of their JSON, but for the sign of zero", "[value]") {
  rc::prop("pairs", [](const Value& a, const Value& b) {
    if (a == b) {
      RC_ASSERT(a.hash() == b.hash());
      RC_ASSERT(b == a);
    } else {
      RC_ASSERT(to_json(a) != to_json(b));
    }
  });
  rc::prop("one change makes a difference", [](const Value& value) {
    Value changed = value.is_map() ? value : Value{{"a", value}};
    const Value before = changed;
    changed.set("count", Value::list({before["count"]}));
    RC_ASSERT_FALSE(changed == before);
    if (before.contains("count"))
      changed.set("count", before["count"]);
    else
      changed.erase("count");
    RC_ASSERT(changed == before);
    RC_ASSERT(changed.hash() == before.hash());
  });
}

TEST_CASE("a path is read back from its canonical spelling", "[path]") {
  rc::prop("any path", [](const Path& path) {
    RC_ASSERT(Path::parse(path.text()).value() == path);
    if (!path.is_root()) {
      RC_ASSERT(path.parent().covers(path));
      RC_ASSERT_FALSE(path.covers(path.parent()));
    }
    const auto count = *rc::gen::inRange<std::size_t>(0, path.size() + 1);
    RC_ASSERT(path.prefix(count).covers(path));
    RC_ASSERT(path.prefix(count).size() == count);
  });
}

}  // namespace
}  // namespace theus
