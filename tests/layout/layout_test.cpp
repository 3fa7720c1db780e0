#include "tests/layout/rule.hpp"

#include <catch2/catch.hpp>

namespace theus::testing {

TEST_CASE("every source keeps the rules of the layout", "[layout]") {
  const std::vector<Source> sources = project_sources();
  REQUIRE(sources.size() > 10);
  for (const Rule& rule : rules()) {
    Offences offences;
    for (const Source& source : sources)
      for (const std::string& offence : rule.offences(source))
        offences.push_back(source.path + ": " + offence);
    INFO(rule.claim);
    CHECK(offences == Offences{});
  }
}

TEST_CASE("each rule of the layout refuses a source that breaks it", "[layout]") {
  for (const Rule& rule : rules()) {
    INFO(rule.claim);
    CHECK_FALSE(rule.offences(rule.breaks).empty());
  }
}

TEST_CASE("what a comment or a literal says is not code", "[layout]") {
  CHECK_FALSE(has_word(code_of("f(); // catch (...)\n"), "catch"));
  CHECK_FALSE(has_word(code_of("/* catch\n catch */ f();"), "catch"));
  CHECK_FALSE(has_word(code_of(R"--(auto s = "catch \" catch"; char c = '"';)--"), "catch"));
  CHECK_FALSE(has_word(code_of("auto s = R\"x(catch)\" catch)x\";"), "catch"));
  CHECK(has_word(code_of("auto n = 1'000; catch"), "catch"));
  CHECK_FALSE(has_word(code_of("catching()"), "catch"));
}

}  // namespace theus::testing
