#include <theus/nearest.hpp>

#include <catch2/catch.hpp>

namespace theus {
namespace {

const std::vector<std::string> keys{"steps", "inputs", "limits", "name"};

TEST_CASE("the nearest name is the one that few edits away, case aside", "[nearest]") {
  CHECK(nearest("step", keys) == "steps");
  CHECK(nearest("setps", keys) == "steps");
  CHECK(nearest("STEPS", keys) == "steps");
  CHECK(nearest("nmae", keys) == "name");
  CHECK(nearest("zebra", keys).empty());
  CHECK(nearest(std::string(100, 'x'), keys).empty());
  CHECK(nearest("x", {}).empty());
}

TEST_CASE("a suggestion names the nearest, else what is known", "[nearest]") {
  CHECK(suggest("stesp", keys) == "Did you mean 'steps'?");
  CHECK(suggest("zebra", keys) == "Known are steps, inputs, limits, name");
  CHECK(suggest("zebra", {}).empty());
  const std::vector<std::string> many(14, "process_name");
  CHECK(suggest("zebra", many).ends_with(" and 4 more"));
}

}  // namespace
}  // namespace theus
