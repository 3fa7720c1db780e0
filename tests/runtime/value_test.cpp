#include <theus/value.hpp>

#include <catch2/catch.hpp>

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

enum Unscoped { enumerator };
static_assert(!std::is_convertible_v<int*, Value> && !std::is_convertible_v<void*, Value>, "a pointer is no boolean");
static_assert(!std::is_convertible_v<Unscoped, Value>, "an enumerator is no number");
static_assert(!std::is_convertible_v<long double, Value>, "a long double loses digits");

TEST_CASE("an index of any integer type reads an element, one out of range null", "[value]") {
  const Value list = Value::list({"a", "b"});
  CHECK(list[1U] == Value{"b"});
  CHECK(list[std::uint8_t{1}] == Value{"b"});
  CHECK(list[1L] == Value{"b"});
  CHECK(list[-1].is_null());
  CHECK(list[2].is_null());
}

TEST_CASE("a list can be spliced into itself", "[value]") {
  Value list = Value::list({1, 2, 3, 4});
  list.splice(1, 2, list);
  CHECK(list == Value::list({1, 1, 2, 3, 4, 4}));
}

TEST_CASE("a value can become a part of itself", "[value]") {
  Value list = Value::list({1});
  list.push_back(list);
  CHECK(list == Value::list({1, Value::list({1})}));
  Value map{{"a", 1}};
  map.set((*map.members().begin()).key, map);
  CHECK(map == Value{{"a", Value{{"a", 1}}}});
}

TEST_CASE("appending leaves every version as it was", "[value]") {
  Value list = Value::list();
  std::vector<Value> versions;
  for (int i = 0; i < 40'000; ++i) {
    if (i % 1111 == 0)
      versions.push_back(list);
    list.push_back(i);
  }
  for (std::size_t version = 0; version < versions.size(); ++version) {
    CHECK(versions[version].size() == version * 1111);
    int expected = 0;
    CHECK(std::ranges::all_of(versions[version].items(), [&](const Value& item) { return item == Value{expected++}; }));
  }
}

TEST_CASE("a value a million levels deep is compared, hashed and destroyed without a crash", "[value][F74]") {
  const auto nested = [](int levels, Value innermost) {
    for (int i = 0; i < levels; ++i)
      innermost = i % 2 == 0 ? Value::list({innermost}) : Value{{"k", innermost}};
    return innermost;
  };
  const Value deep = nested(1'000'000, 1);
  CHECK(deep == nested(1'000'000, 1));
  CHECK_FALSE(deep == nested(1'000'000, 2));
  CHECK_FALSE(deep == nested(999'998, 1));
  CHECK(deep.hash() == nested(1'000'000, 1).hash());
}

}  // namespace
}  // namespace theus
