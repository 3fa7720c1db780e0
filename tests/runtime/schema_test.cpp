#include <theus/json.hpp>
#include <theus/state_schema.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cmath>

namespace theus {
namespace {

struct Row {
  const char* schema;
  std::vector<const char*> fitting;
  std::vector<const char*> unfit;
};

// Values are JSON; 1.0 is a real and 1 an integer.
const std::vector<Row>& rows() {
  static const std::vector<Row> all{
      {"{}", {"null", "1", R"({"a": [1]})"}, {}},
      {"true", {"1"}, {}},
      {"false", {}, {"1", "null"}},
      {R"({"type": "null"})", {"null"}, {"0", "\"\""}},
      {R"({"type": "boolean"})", {"true", "false"}, {"0", "\"true\""}},
      {R"({"type": "integer"})", {"1", "-9223372036854775808"}, {"1.0", "\"1\"", "null"}},
      {R"({"type": "real"})", {"1.0", "0.5"}, {"1"}},
      {R"({"type": "number"})", {"1", "1.5"}, {"\"1\"", "true"}},
      {R"({"type": "string"})", {"\"\"", "\"a\""}, {"1"}},
      {R"({"type": "array"})", {"[]", "[1]"}, {"{}"}},
      {R"({"type": "object"})", {"{}", R"({"a": 1})"}, {"[]"}},
      {R"({"type": "bytes"})", {R"({"$bytes": "AAEC"})"}, {"\"AAEC\""}},
      {R"({"type": ["integer", "null"]})", {"1", "null"}, {"1.5", "\"\""}},
      {R"({"enum": [1, "a", null, [1, 2], {"k": 1}]})",
       {"1", "\"a\"", "null", "[1, 2]", R"({"k": 1})"},
       {"1.0", "2", "[1]", R"({"k": 2})", "{}"}},
      {R"({"const": {"k": [true]}})", {R"({"k": [true]})"}, {"{}", R"({"k": [true], "l": 1})"}},
      {R"({"minimum": 0})", {"0", "7", "0.0", "\"text\"", "null"}, {"-1", "-0.1"}},
      {R"({"minimum": 0.5})", {"1", "0.5"}, {"0", "0.49"}},
      {R"({"minimum": -0.5})", {"0", "-0.5"}, {"-1"}},
      {R"({"maximum": 10})", {"10", "10.0", "-5"}, {"11", "10.5"}},
      {R"({"exclusiveMinimum": 0})", {"1", "0.1"}, {"0", "0.0", "-1"}},
      {R"({"exclusiveMaximum": 1.5})", {"1", "1.4"}, {"2", "1.5"}},
      {R"({"minimum": 9007199254740993})",
       {"9007199254740993", "9007199254740994.0"},
       {"9007199254740992", "9007199254740992.0"}},
      {R"({"maximum": 9223372036854775807})", {"9223372036854775807", "1e18"}, {"9223372036854775808.0"}},
      {R"({"exclusiveMinimum": 9223372036854775807})", {"1e19"}, {"9223372036854775807"}},
      {R"({"exclusiveMaximum": -9223372036854775808})", {"-1e19"}, {"-9223372036854775808"}},
      {R"({"multipleOf": 5})", {"0", "-10", "15.0"}, {"7", "2.5"}},
      {R"({"multipleOf": 0.1})", {"0.3", "1", "2.7", "-0.7"}, {"0.35"}},
      {R"({"minLength": 2})", {"\"ab\"", "\"\u00e9\u00e9\"", "1"}, {"\"a\"", "\"\u00e9\"", "\"\""}},
      {R"({"maxLength": 2})", {"\"\u00e9\u00e9\"", "\"\""}, {"\"abc\""}},
      {R"({"pattern": "^[A-Z]{3}$"})", {"\"ABC\"", "5"}, {"\"abc\"", "\"ABCD\""}},
      {R"({"pattern": "b"})", {"\"abc\""}, {"\"ac\""}},
      {R"({"properties": {"a": {"type": "integer"}, "bb": {"minimum": 3}}})",
       {"{}", R"({"a": 1})", R"({"bb": 3, "other": "x"})", "[]"},
       {R"({"a": "x"})", R"({"a": 1, "bb": 2})"}},
      {R"({"required": ["a", "b"]})", {R"({"a": 1, "b": null, "c": 1})", "1"}, {R"({"a": 1})", "{}"}},
      {R"({"properties": {"a": {}}, "additionalProperties": false})", {"{}", R"({"a": 1})"}, {R"({"a": 1, "b": 1})"}},
      {R"({"required": ["a"], "additionalProperties": {"type": "integer"}})",
       {R"({"a": 1, "z": 2})"},
       {R"({"a": "x"})", R"({"a": 1, "z": "x"})"}},
      {R"({"minProperties": 1, "maxProperties": 2})", {R"({"a": 1})"}, {"{}", R"({"a": 1, "b": 1, "c": 1})"}},
      {R"({"items": {"type": "integer"}})", {"[]", "[1, 2]", "5"}, {"[1, \"a\"]"}},
      {R"({"items": [{"type": "integer"}, {"type": "string"}]})", {"[1, \"a\", null]", "[1]"}, {"[\"a\"]"}},
      {R"({"items": [{"type": "integer"}], "additionalItems": false})", {"[1]", "[]"}, {"[1, 2]"}},
      {R"({"items": [{}], "additionalItems": {"type": "null"}})", {"[1, null]"}, {"[1, 2]"}},
      {R"({"minItems": 1, "maxItems": 2})", {"[1]", "[1, 2]"}, {"[]", "[1, 2, 3]"}},
      {R"({"uniqueItems": true})", {"[]", "[1, 1.0, \"1\"]"}, {"[1, 2, 1]", "[{\"a\": 1}, {\"a\": 1}]"}},
      {R"({"uniqueItems": false})", {"[1, 1]"}, {}},
      {R"({"allOf": [{"minimum": 1}, {"maximum": 3}]})", {"2"}, {"0", "4"}},
      {R"({"anyOf": [{"type": "null"}, {"minimum": 3}]})", {"null", "4", "\"a\""}, {"2"}},
      {R"({"oneOf": [{"minimum": 1}, {"minimum": 3}]})", {"2"}, {"0", "4"}},
      {R"({"not": {"type": "string"}})", {"1"}, {"\"a\""}},
      {R"({"type": "integer", "not": {"const": 3}})", {"4"}, {"3", "\"a\""}},
      {R"({"$ref": "#/definitions/n", "definitions": {"n": {"minimum": 1}}})", {"1"}, {"0"}},
      {R"({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"$ref": "#/$defs/n"}, "n": {"type": "null"}}})", {"null"}, {"0"}},
      {R"({"type": "object", "properties": {"next": {"$ref": "#"}, "v": {"type": "integer"}}})",
       {R"({"next": {"next": {"v": 1}}})"},
       {R"({"next": {"next": {"v": "x"}}})", R"({"next": 1})"}},
  };
  return all;
}

Value json(const char* text) { return parse_json(text).value(); }
Schema schema_of(std::string_view text) { return Schema::parse(text).value(); }

std::vector<std::string> told(const Error& error) {
  std::vector<std::string> lines;
  for (const Value& each : error.field("violations")->items())
    lines.push_back(each["path"].get<std::string>().value() + ": " + each["wanted"].get<std::string>().value() + ": " +
                    to_json(each["got"]));
  return lines;
}

TEST_CASE("each keyword takes what it should and refuses the rest", "[schema][F84]") {
  for (const Row& row : rows()) {
    INFO(row.schema);
    const Schema schema = schema_of(row.schema);
    for (const char* value : row.fitting) {
      INFO(value);
      CHECK(schema.fits(json(value)));
      CHECK(schema.check(json(value)).ok());
    }
    for (const char* value : row.unfit) {
      INFO(value);
      CHECK_FALSE(schema.fits(json(value)));
      const Status refused = schema.check(json(value));
      REQUIRE_FALSE(refused.ok());
      CHECK(refused.error().code() == Errc::schema_violation);
      CHECK(refused.error().field("count")->as_int() >= 1);
    }
  }
}

TEST_CASE("a schema and its own document are the same schema", "[schema]") {
  for (const Row& row : rows()) {
    INFO(row.schema);
    const Schema schema = schema_of(row.schema);
    CHECK(Schema::from(schema.document()).value() == schema);
    CHECK(Schema::parse(schema_yaml(schema.document())).value() == schema);
  }
}

TEST_CASE("a violation tells everything that is wrong, with path, wanted and got", "[schema][F84]") {
  const Schema schema = schema_of(R"({
    "type": "object",
    "required": ["id", "owner"],
    "additionalProperties": false,
    "properties": {
      "id": {"type": "integer", "minimum": 1},
      "owner": {"type": "string"},
      "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}, "maxItems": 2}}})");
  const Error error = schema.check(json(R"({"id": 0, "tags": ["ab", "abcd", 5], "ownr": 1})")).error();
  CHECK(told(error) == std::vector<std::string>{
                           "id: >= 1: 0",
                           "ownr: no member of that name; perhaps 'owner' was meant: 1",
                           "tags: at most 2 elements: \"a list of 3 elements\"",
                           "tags[1]: at most 3 characters: \"abcd\"",
                           "tags[2]: string: 5",
                           "owner: string: \"nothing\"",
                       });
  CHECK(error.text() ==
        "schema_violation at id: wanted >= 1, got 0 (the first of 6 violations). Use a value that the "
        "schema allows");
  CHECK(*error.field("path") == Value{"id"});
  CHECK(*error.field("wanted") == Value{">= 1"});
  CHECK(*error.field("got") == Value{0});
}

TEST_CASE("a thousand violations are counted, and a hundred told", "[schema][F65]") {
  Value list = Value::list();
  for (int i = 0; i < 1000; ++i)
    list.push_back("x");
  const Error error = schema_of(R"({"items": {"type": "integer"}})").check(list).error();
  CHECK(*error.field("count") == Value{1000});
  CHECK(error.field("violations")->size() == 100);
}

TEST_CASE("what is secret stays out of errors", "[schema][F137]") {
  const Schema schema = schema_of(
      R"({"properties": {"card": {"x-secret": true, "type": "object",
          "properties": {"number": {"type": "string", "maxLength": 4}, "pin": {"enum": ["1234"]}}}}})");
  const Error error = schema.check(json(R"({"card": {"number": "4929-1111", "pin": "9999"}})")).error();
  CHECK(*error.field("count") == Value{2});
  const std::string all = error.text() + to_json(error.fields());
  for (const char* secret : {"4929", "9999", "1234"})
    CHECK(all.find(secret) == std::string::npos);
  CHECK(all.find("(secret)") != std::string::npos);
}

TEST_CASE("numbers that are not finite need a schema that allows them", "[schema][F67]") {
  const double nan = std::nan("");
  const double infinity = std::numeric_limits<double>::infinity();
  const Schema strict = schema_of(R"({"type": "number"})");
  CHECK_FALSE(strict.fits(nan));
  CHECK_FALSE(strict.fits(-infinity));
  const Schema open = schema_of(R"({"type": "number", "x-non-finite": true})");
  CHECK(open.fits(nan));
  CHECK(open.fits(infinity));
  const Schema bounded = schema_of(R"({"x-non-finite": true, "minimum": 0})");
  CHECK(bounded.fits(infinity));
  CHECK_FALSE(bounded.fits(-infinity));
  CHECK_FALSE(bounded.fits(nan));
}

struct BadRow {
  const char* text;
  const char* place;
  const char* cause;
};

TEST_CASE("a malformed schema is refused with place and suggestion", "[schema][F65]") {
  const std::vector<BadRow> bad{
      {"{\"type\": \"integer\",\n \"minmum\": 3}", "2:2", "minmum"},
      {"type: intger", "1:7", "intger"},
      {"type: []", "1:7", "empty"},
      {"enum: []", "1:7", "empty"},
      {"enum: 3", "1:7", "list"},
      {"minimum: low", "1:10", "number"},
      {"minimum: 3\nmaximum: 2", "1:1", "lower bound"},
      {"minLength: -1", "1:12", "integer"},
      {"multipleOf: 0", "1:13", "above 0"},
      {"pattern: 'a(?=b)'", "1:10", "pattern"},
      {"pattern: '(a'", "1:10", "pattern"},
      {"properties: [a]", "1:13", "map"},
      {"properties: {a: {typ: integer}}", "1:18", "typ"},
      {"required: [a, a]", "1:15", "twice"},
      {"uniqueItems: 1", "1:14", "true or false"},
      {"allOf: []", "1:8", "empty"},
      {"not: {$ref: '#/definitions/nowhere'}", "1:13", "nowhere"},
      {"$ref: 'http://example.org/schema'", "1:7", "leads out"},
      {"$ref: '#/definitions/a'\nminimum: 3\ndefinitions: {a: {}}", "2:1", "beside $ref"},
      {"$ref: '#'", "1:1", "itself"},
      {"allOf: [{$ref: '#'}]", "1:1", "without going into a value"},
      {"anyOf: [{not: {$ref: '#'}}]", "1:", "without going into a value"},
      {"5", "1:1", "a schema is a map"},
      {"format: date", "1:1", "format"},
      {"a: &x 1", "1:4", "anchors"},
      {"{\"type\": \"integer\", \"type\": \"string\"}", "1:", "twice"},
      {"{\"type\": ", "1:", ""},
  };
  for (const BadRow& row : bad) {
    INFO(row.text);
    const auto schema = Schema::parse(row.text, "s.yaml");
    REQUIRE_FALSE(schema.ok());
    CHECK(schema.error().code() == Errc::bad_schema);
    INFO(schema.error().text());
    CHECK(schema.error().where().find(std::string{"s.yaml:"} + row.place) == 0);
    CHECK(schema.error().text().find(row.cause) != std::string::npos);
  }
}

TEST_CASE("all findings of a schema come at once", "[schema][F65]") {
  const Error error = Schema::parse("type: intger\nminmum: 3\nproperties: {a: {required: b}}").error();
  CHECK(*error.field("count") == Value{3});
}

TEST_CASE("a pattern that ruins backtracking matchers takes linear time", "[schema][F72]") {
  const Schema schema = schema_of("pattern: '^(a|aa|a*)*$'");
  const std::string text = std::string(1 << 20, 'a') + "b";
  CHECK_FALSE(schema.fits(text));
  CHECK(schema.fits(text.substr(0, text.size() - 1)));
}

Value nested(int levels) {
  Value value = Value::map();
  for (int i = 0; i < levels; ++i)
    value = Value{{"a", value}};
  return value;
}

TEST_CASE("recursive schemas end where the value ends, and far beyond that refuse", "[schema]") {
  const Schema tree = schema_of(R"({"type": "object", "additionalProperties": {"$ref": "#"}})");
  CHECK(tree.fits(nested(60)));
  CHECK(tree.fits(nested(900)));
  CHECK_FALSE(tree.fits(nested(100'000)));
  CHECK_FALSE(schema_of(R"({"not": {"$ref": "#/definitions/t"},
      "definitions": {"t": {"additionalProperties": {"$ref": "#/definitions/t"}}}})")
                  .fits(nested(100'000)));
}

TEST_CASE("alternatives that double at each level are given up instead of tried for years", "[schema]") {
  const Schema schema = schema_of(R"({"$ref": "#/definitions/t", "definitions": {"t": {"anyOf": [
      {"properties": {"a": {"$ref": "#/definitions/t"}}, "required": ["a"]},
      {"properties": {"a": {"$ref": "#/definitions/t"}}, "required": ["a"]}]}}})");
  const Status refused = schema.check(nested(60));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().text().find("steps") != std::string::npos);
}

TEST_CASE("thousands of definitions that refer to each other overflow no stack, and too many are refused", "[schema]") {
  std::string text = "definitions:\n";
  for (int i = 0; i < 10'000; ++i)
    text += "  d" + std::to_string(i) + ": {items: {$ref: '#/definitions/d" + std::to_string(i + 1) + "'}}\n";
  const Schema deep = schema_of(text + "  d10000: {type: integer}\nproperties: {x: {$ref: '#/definitions/d0'}}\n");
  CHECK(deep.fits(Value{{"x", 1}}));
  std::string wide = "properties:\n";
  for (int i = 0; i < 30'000; ++i)
    wide += "  p" + std::to_string(i) + ": {}\n";
  CHECK_FALSE(Schema::parse(wide).ok());
}

}  // namespace
}  // namespace theus
