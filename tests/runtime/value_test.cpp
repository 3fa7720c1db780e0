#include <theus/value.hpp>

#include <catch2/catch.hpp>

#include <random>

namespace theus {
namespace {

TEST_CASE("copies of a value share contents and change independently", "[value]") {
  Value original{{"a", 1}, {"items", Value::list({1, 2, 3})}};
  Value copy = original;

  copy.set("a", 2);

  CHECK(original["a"] == Value{1});
  CHECK(copy["a"] == Value{2});
  CHECK(copy["items"] == original["items"]);
}

TEST_CASE("members stand in canonical order: shorter keys first, then bytewise", "[value]") {
  const Value map{{"10", 0}, {"9", 0}, {"b", 0}, {"a", 0}, {"aa", 0}};
  std::vector<std::string> keys;
  for (const auto [key, item] : map.members())
    keys.emplace_back(key);
  CHECK(keys == std::vector<std::string>{"9", "a", "b", "10", "aa"});
}

TEST_CASE("a list behaves like a vector under random edits", "[value]") {
  const auto seed = GENERATE(1U, 2U, 3U, 4U);
  CAPTURE(seed);
  std::mt19937 random{seed};
  std::vector<std::int64_t> model;
  Value list = Value::list();
  std::vector<std::pair<Value, std::vector<std::int64_t>>> kept;

  for (std::int64_t step = 0; step < 6000; ++step) {
    const auto position = random() % (model.size() + 1);
    const auto at = model.begin() + static_cast<std::ptrdiff_t>(position);
    const auto action = random() % 10;
    if (action < (step < 3000 ? 7 : 3)) {
      model.insert(at, step);
      list.insert(position, step);
    } else if (action < 9 && position < model.size()) {
      model.erase(at);
      list.erase_at(position);
    } else if (position < model.size()) {
      *at = step;
      list.replace(position, step);
    }
    if (step % 500 == 0)
      kept.emplace_back(list, model);
  }

  kept.emplace_back(list, model);
  for (const auto& [value, expected] : kept)
    CHECK(value == to_value(expected));
}

TEST_CASE("a map behaves like a sorted map under random edits", "[value]") {
  const auto seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  std::mt19937 random{seed};
  std::map<std::string, std::int64_t> model;
  Value map = Value::map();
  for (std::int64_t step = 0; step < 6000; ++step) {
    const std::string key = "key" + std::to_string(random() % 700);
    if (random() % 3 != 0) {
      model[key] = step;
      map.set(key, step);
    } else {
      CHECK(map.erase(key) == (model.erase(key) == 1));
    }
  }
  CHECK(map == to_value(model));
  CHECK(map.size() == model.size());
}

TEST_CASE("an integer is never silently a double, nor the reverse", "[value]") {
  CHECK_FALSE(Value{1} == Value{1.0});
  CHECK(Value{1}.get<double>().error().code() == Errc::bad_argument);
  CHECK(Value{1.0}.get<int>().error().cause() == "wanted integer, found real");
  CHECK(Value{300}.get<std::uint8_t>().error().code() == Errc::bad_argument);
}

TEST_CASE("strings of every length around the inline limit come back whole", "[value]") {
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string text(length, 'x');
    const Value value{text};
    const Value copy = value;
    CHECK(copy.as_string() == text);
    CHECK(copy.size() == length);
  }
}

TEST_CASE("equal values hash alike and unequal ones differently", "[value]") {
  const Value a{{"x", Value::list({1, 2.5, "three", nullptr, true})}};
  const Value b{{"x", Value::list({1, 2.5, "three", nullptr, true})}};
  CHECK(a.hash() == b.hash());
  CHECK(a.hash() != Value{{"x", Value::list({1, 2.5, "three", nullptr, false})}}.hash());
}

TEST_CASE("reading what is not there gives null, so reads chain", "[value]") {
  const Value map{{"a", 1}};
  CHECK(map["b"]["c"][3].is_null());
  CHECK(map.find("b") == nullptr);
}

}  // namespace
}  // namespace theus
