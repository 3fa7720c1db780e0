#include "runtime/csv.hpp"

#include "tests/runtime/workflow_fixture.hpp"

#include <catch2/catch.hpp>

#include <random>

namespace theus {
namespace {

using testing::findings_of;

Value rows_of(std::string_view text) {
  CAPTURE(std::string{text});
  return parse_csv(text, "f.csv").value();
}

std::vector<std::string> findings_in(std::string_view text) {
  INFO(text);
  const auto rows = parse_csv(text, "f.csv");
  REQUIRE_FALSE(rows.ok());
  CHECK(rows.error().code() == Errc::bad_input);
  return findings_of(rows.error());
}

TEST_CASE("rows become maps keyed by the first row", "[csv]") {
  const Value expected = Value::list({Value{{"name", "Ann"}, {"n", 1}}, Value{{"name", "Bob"}, {"n", 2}}});
  CHECK(rows_of("name,n\nAnn,1\nBob,2\n") == expected);
  CHECK(rows_of("name,n\r\nAnn,1\r\nBob,2") == expected);
  CHECK(rows_of("name,n\n") == Value::list());
  CHECK(rows_of("long_name,b,a\n1,2,3\n") == Value::list({Value{{"a", 3}, {"b", 2}, {"long_name", 1}}}));
}

TEST_CASE("fields in quotes hold commas, quotes and line breaks", "[csv]") {
  CHECK(rows_of("a,b\n\"x,y\",\"say \"\"hi\"\"\r\nthere\"\n") ==
        Value::list({Value{{"a", "x,y"}, {"b", "say \"hi\"\r\nthere"}}}));
  CHECK(rows_of("\"a b\",\"c\"\n,\"\"\n") == Value::list({Value{{"a b", nullptr}, {"c", ""}}}));
}

TEST_CASE("only unquoted fields that are numbers, booleans or empty change their kind", "[csv][F67]") {
  const Value row = rows_of("a,b,c,d,e,f,g,h,i,j,k\n1,-2.5e3,true,false,,\"1\",007,NaN, 1,1/2,True\n");
  CHECK(row[0] == Value{{"a", 1},
                        {"b", -2500.0},
                        {"c", true},
                        {"d", false},
                        {"e", nullptr},
                        {"f", "1"},
                        {"g", "007"},
                        {"h", "NaN"},
                        {"i", " 1"},
                        {"j", "1/2"},
                        {"k", "True"}});
  CHECK(findings_in("a\n1\n1e400\n99999999999999999999\n") ==
        std::vector<std::string>{"3:1 the number 1e400 is out of range",
                                 "4:1 the number 99999999999999999999 is out of range"});
}

TEST_CASE("ragged rows are all reported, with their lines", "[csv]") {
  CHECK(findings_in("a,b\n1,2\n3\n\"x\ny\",4\n5,6,7\n") ==
        std::vector<std::string>{"3:1 the row has 1 fields, the first row 2",
                                 "6:1 the row has 3 fields, the first row 2"});
  CHECK(findings_in("a,b\n1,2\n\n") == std::vector<std::string>{"3:1 the row has 1 fields, the first row 2"});
}

TEST_CASE("stray quotes, bare carriage returns and bad names are refused", "[csv]") {
  CHECK(findings_in("a,b\n1,x\"y\n")[0].starts_with("2:4 a quote stands inside"));
  CHECK(findings_in("a,b\n1,\"xy\n")[0].starts_with("2:3 a quote is not closed"));
  CHECK(findings_in("a,b\n\"x\"y,1\n")[0].starts_with("2:4 text follows"));
  CHECK(findings_in("a\n1\r2\n")[0].starts_with("2:2 a carriage return"));
  CHECK(findings_in("")[0].starts_with("1:1 the file is empty"));
  CHECK(findings_in("a,,a\n")[0].starts_with("1:3 a column has no name"));
  CHECK(findings_in("a,,a\n")[1].starts_with("1:4 two columns"));
  CHECK(findings_in("a,\"b\nc\"\n")[0].starts_with("1:3 the name of a column"));
}

TEST_CASE("any text gives rows or findings, and rows survive being written again", "[csv][random]") {
  const auto seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  std::mt19937 random{seed};
  constexpr std::string_view alphabet = "ab1,\n\"\r-.e ";
  int accepted = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text = "x,y\n";
    for (auto length = random() % 12; length > 0; --length)
      text += alphabet[random() % alphabet.size()];
    const auto rows = parse_csv(text, "f");
    CAPTURE(text);
    if (!rows) {
      CHECK_FALSE(findings_of(rows.error()).empty());
      continue;
    }
    ++accepted;
    std::string again = "x,y\n";
    for (const Value& row : rows->items()) {
      for (const char* key : {"x", "y"}) {
        std::string field = row[key].is_string() ? std::string{row[key].as_string()} : std::string{};
        for (std::size_t at = field.find('"'); at != std::string::npos; at = field.find('"', at + 2))
          field.insert(at, "\"");
        again += '"' + field + '"' + (*key == 'x' ? ',' : '\n');
      }
    }
    const Value second = parse_csv(again, "f").value();
    REQUIRE(second.size() == rows->size());
    for (std::size_t i = 0; i < second.size(); ++i)
      for (const char* key : {"x", "y"})
        if ((*rows)[i][key].is_string())
          CHECK(second[i][key] == (*rows)[i][key]);
  }
  CHECK(accepted > 100);
}

}  // namespace
}  // namespace theus
