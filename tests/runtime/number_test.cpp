#include "runtime/number.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

TEST_CASE("numbers are read by one grammar and keep their kind", "[number][F67]") {
  CHECK(parse_number("0").value == Value{0});
  CHECK(parse_number("-12").value == Value{-12});
  CHECK(parse_number("9223372036854775807").value == Value{INT64_MAX});
  CHECK(parse_number("-9223372036854775808").value == Value{INT64_MIN});
  CHECK(parse_number("1.0").value == Value{1.0});
  CHECK(parse_number("-2.5e-3").value == Value{-0.0025});
  CHECK(parse_number("1E6").value == Value{1e6});
}

TEST_CASE("what other grammars take for a number is none here", "[number][F67]") {
  for (const char* text : {"",    "-",   "+1",  "01",   "-007", "0x1f", "0o17", "1_000", ".5",  "5.",   "1e",
                           "1e+", "nan", "inf", ".inf", ".NaN", " 1",   "1 ",   "1.2.3", "--1", "0b101"})
    CHECK(parse_number(text).form == NumberForm::none);
  for (const char* text : {"+1", "01", "-007", "0x1f", "0o17", "1_000", ".5", "5.", "-.inf", ".NaN", "0b101"})
    CHECK(resembles_number(text));
  for (const char* text : {"", "abc", "2024-01-01", "10.0.0.1", "1st", "50ms", "e5", "face", "-", ".", "x1", "inf"})
    CHECK_FALSE(resembles_number(text));
}

TEST_CASE("a number that does not fit is out of range", "[number][F67]") {
  for (const char* text : {"9223372036854775808", "-9223372036854775809", "1e400", "-1e400", "1e-500"})
    CHECK(parse_number(text).form == NumberForm::out_of_range);
}

TEST_CASE("the text of a real reads back as the same real", "[number]") {
  CHECK(real_text(0.1) == "0.1");
  CHECK(real_text(3) == "3.0");
  CHECK(real_text(-0.0) == "-0.0");
  for (const double number : {0.1, 1e300, -2.5e-17, 3.0, 5e-324})
    CHECK(parse_number(real_text(number)).value == Value{number});
}

}  // namespace
}  // namespace theus
