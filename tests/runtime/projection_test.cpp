#include "runtime/projection.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

const Value tree{{"a", Value{{"x", 1}, {"y", 2}}},
                 {"b", Value{{"x", 3}, {"c", Value{{"x", 4}}}}},
                 {"list", Value::list({Value{{"x", 5}}})}};

std::optional<Value> shown(std::string_view pattern) { return projected(tree, Path{pattern}.segments()); }

TEST_CASE("a pattern shows the members that it matches and the maps on the way to them", "[projection]") {
  CHECK(shown("a.x") == Value{{"a", Value{{"x", 1}}}});
  CHECK(shown("*.x") == Value{{"a", Value{{"x", 1}}}, {"b", Value{{"x", 3}}}});
  CHECK(shown("**.x") == Value{{"a", Value{{"x", 1}}}, {"b", Value{{"x", 3}, {"c", Value{{"x", 4}}}}}});
  CHECK(shown("b.**.x") == Value{{"b", Value{{"x", 3}, {"c", Value{{"x", 4}}}}}});
  CHECK(shown("**.c.**.x") == Value{{"b", Value{{"c", Value{{"x", 4}}}}}});
}

TEST_CASE("a pattern that ends shows the whole value there", "[projection]") {
  CHECK(shown("a") == Value{{"a", tree["a"]}});
  CHECK(shown("**") == tree);
  CHECK(projected(7, {}) == Value{7});
}

TEST_CASE("a pattern that matches nothing shows nothing", "[projection]") {
  CHECK_FALSE(shown("a.z").has_value());
  CHECK_FALSE(shown("z.**.x").has_value());
  CHECK_FALSE(shown("list.*.x").has_value());
  CHECK_FALSE(shown("list[0].x").has_value());
}

TEST_CASE("what several patterns show is put together", "[projection]") {
  auto both = shown("b.c");
  show_also(both, shown("*.x"));
  show_also(both, shown("nothing"));
  CHECK(both == Value{{"a", Value{{"x", 1}}}, {"b", Value{{"x", 3}, {"c", Value{{"x", 4}}}}}});
}

}  // namespace
}  // namespace theus
