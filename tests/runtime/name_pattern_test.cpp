#include "runtime/name_pattern.hpp"

#include <catch2/catch.hpp>

#include <random>

namespace theus {
namespace {

// The definition, without any cleverness.
bool matches_by_definition(std::string_view pattern, std::string_view name) {
  if (pattern.empty())
    return name.empty();
  if (pattern.starts_with("**"))
    return matches_by_definition(pattern.substr(2), name) ||
           (!name.empty() && matches_by_definition(pattern, name.substr(1)));
  if (pattern[0] == '*')
    return matches_by_definition(pattern.substr(1), name) ||
           (!name.empty() && name[0] != '.' && matches_by_definition(pattern, name.substr(1)));
  return !name.empty() && name[0] == pattern[0] && matches_by_definition(pattern.substr(1), name.substr(1));
}

TEST_CASE("one star stays within a segment, two do not", "[name_pattern]") {
  CHECK(NamePattern{"sensor.*"}.matches("sensor.a"));
  CHECK_FALSE(NamePattern{"sensor.*"}.matches("sensor.a.b"));
  CHECK_FALSE(NamePattern{"sensor.*"}.matches("sensor"));
  CHECK(NamePattern{"sensor.**"}.matches("sensor.a.b"));
  CHECK(NamePattern{"cmd_*"}.matches("cmd_stop"));
  CHECK(NamePattern{}.matches("anything.at.all"));
  CHECK(NamePattern{""}.matches(""));
  CHECK_FALSE(NamePattern{""}.matches("a"));
}

TEST_CASE("matching agrees with its definition on random patterns", "[name_pattern]") {
  const auto seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  std::mt19937 random{seed};
  const auto text = [&](std::string_view letters, std::size_t length_max) {
    std::string made;
    for (auto length = random() % (length_max + 1); length > 0; --length)
      made += letters[random() % letters.size()];
    return made;
  };
  for (int i = 0; i < 20000; ++i) {
    const std::string pattern = text("ab.**", 8);
    const std::string name = text("ab.", 8);
    CAPTURE(pattern, name);
    REQUIRE(NamePattern{pattern}.matches(name) == matches_by_definition(pattern, name));
  }
}

TEST_CASE("a hostile pattern does not take for ever", "[name_pattern]") {
  std::string pattern;
  for (int i = 0; i < 100; ++i)
    pattern += "*a**b";
  CHECK_FALSE(NamePattern{pattern + "c"}.matches(std::string(2000, 'a')));
}

}  // namespace
}  // namespace theus
