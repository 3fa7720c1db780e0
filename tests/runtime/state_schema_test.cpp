#include <theus/json.hpp>
#include <theus/state_schema.hpp>

#include "tests/runtime/workflow_fixture.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

constexpr const char* shop = R"(
version: 2
definitions:
  money: {type: integer, minimum: 0}
paths:
  domain.balance: {$ref: '#/definitions/money'}
  domain.orders:
    type: array
    items: {type: object, required: [id], properties: {id: {type: integer}, price: {$ref: '#/definitions/money'}}}
rules:
  the total is the sum: domain.total == domain.left + domain.right
)";

TEST_CASE("a state schema is read from a file", "[schema]") {
  const StateSchema schema = StateSchema::parse(shop, "shop.yaml").value();
  CHECK(schema.version() == 2);
  CHECK(schema.schemas().size() == 2);
  CHECK(schema.check("domain", Value{{"balance", 1}, {"total", 3}, {"left", 1}, {"right", 2}}).ok());
  const Error error =
      schema.check("domain", Value{{"balance", -1}, {"orders", Value::list({Value{{"price", -1}}})}}).error();
  CHECK(*error.field("count") == Value{3});
  CHECK(schema.check("domain", Value{{"total", 4}, {"left", 1}, {"right", 2}}).error().text().find("rule") !=
        std::string::npos);
}

TEST_CASE("a state schema and its document are the same", "[schema]") {
  const StateSchema schema = StateSchema::parse(shop).value();
  const StateSchema again = StateSchema::parse(schema_yaml(schema.document())).value();
  CHECK(again.document() == schema.document());
  CHECK(again.schemas() == schema.schemas());
}

TEST_CASE("what is wrong with a state schema is told all at once, with its places", "[schema][F65]") {
  const auto schema = StateSchema::parse(R"(version: 0
pahts: {}
paths:
  domain..x: {}
  domain.a: {typ: integer}
  "domain['b']": {}
  domain.b: {}
  domain.c: {$ref: '#/definitions/nowhere'}
rules:
  odd: domain.a >
  constant: 1 < 2
definitions: {wrong: {minimum: x}}
)",
                                         "s.yaml");
  REQUIRE_FALSE(schema.ok());
  CHECK(schema.error().code() == Errc::bad_schema);
  const auto lines = testing::findings_of(schema.error());
  for (const std::string& line : lines)
    UNSCOPED_INFO(line);
  const auto has = [&](std::string_view start, std::string_view part) {
    return std::ranges::any_of(lines, [&](const std::string& line) {
      return line.starts_with(start) && line.find(part) != std::string::npos;
    });
  };
  CHECK(has("1:10", "version"));
  CHECK(has("2:1", "pahts"));
  CHECK(has("4:3", ""));
  CHECK(has("5:14", "typ"));
  CHECK(has("7:3", "twice"));
  CHECK(has("8:20", "nowhere"));
  CHECK(has("10:", ""));
  CHECK(has("11:", "no path"));
  CHECK(StateSchema::parse("paths: {}\ndefinitions: {wrong: {minimum: x}}").error().code() == Errc::bad_schema);
}

TEST_CASE("a state is drafted as a schema that it fits", "[schema]") {
  const Value state{{"domain", Value{{"name", "Ada"},
                                     {"scores", Value::list({1, 2.5})},
                                     {"null", nullptr},
                                     {"deep", Value::list({Value{{"a", 1}}, Value{{"a", "x"}, {"b", 1}}})}}},
                    {"progress", 3},
                    {"cmd_stop", true}};
  const StateSchema draft = inferred_state_schema(state);
  CHECK(draft.schemas().size() == 2);
  CHECK(draft.check(Path{}, state).ok());
  CHECK(draft.schemas().at("domain").document() ==
        parse_json(R"({"type": "object", "required": ["deep", "name", "null", "scores"], "properties": {
            "name": {"type": "string"}, "scores": {"type": "array", "items": {"type": "number"}},
            "null": {"type": "null"},
            "deep": {"type": "array", "items": {"type": "object", "required": ["a"],
                     "properties": {"a": {"type": ["integer", "string"]}, "b": {"type": "integer"}}}}}})")
            .value());
  CHECK(StateSchema::parse(schema_yaml(draft.document())).value().document() == draft.document());
}

TEST_CASE("texts that YAML takes for something else come back from a written schema", "[schema]") {
  for (const char* text :
       {"null", "true", "No", "~",  "",   " ",  "1", "1e5", "0x1f", "a: b", "# no", "- x",    "\u202e",    "\x7f",
        "\"",   "'",    "\n", "*a", "&a", "!a", "{", "[",   "%",    "@",    "`",    "\u00e9", "\U0001f600"}) {
    const Value document{{"enum", Value::list({text})},
                         {"properties", Value{{*text == '\0' ? "e" : text, Value{{"const", text}}}}}};
    const auto schema = Schema::parse(schema_yaml(document));
    INFO(schema_yaml(document));
    REQUIRE(schema.ok());
    CHECK(schema->document() == document);
  }
}

struct Line {
  std::int64_t id{};
  std::optional<double> price;
  std::vector<std::string> tags;
};
THEUS_FIELDS(Line, id, price, tags)
THEUS_CONSTRAINTS(Line, {"price", R"({"minimum": 0})"}, {"", R"({"title": "a line"})"})

struct Tree {
  int value{};
  std::vector<Tree> children;
};
THEUS_FIELDS(Tree, value, children)

enum class Color { red, green };
THEUS_ENUM(Color, red, green)

struct All {
  Line line;
  std::optional<Color> color;
  std::array<int, 2> pair{};
  std::tuple<int, std::string> mixed;
  std::map<std::string, bool> flags;
  Value any;
};
THEUS_FIELDS(All, line, color, pair, mixed, flags, any)

struct Wrong {
  int a{};
};
THEUS_FIELDS(Wrong, a)
THEUS_CONSTRAINTS(Wrong, {"b", R"({"minimum": 0})"})

TEST_CASE("the schema of a struct takes what the struct can be read from", "[schema]") {
  const Schema line = Schema::of<Line>();
  CHECK(line.document() == parse_json(R"({"type": "object", "title": "a line", "required": ["id", "tags"],
      "additionalProperties": false, "properties": {"id": {"type": "integer"},
      "price": {"type": ["null", "real"], "minimum": 0},
      "tags": {"type": "array", "items": {"type": "string"}}}})")
                               .value());
  CHECK(line.fits(to_value(Line{1, 2.5, {"a"}})));
  CHECK(line.fits(to_value(Line{})));
  CHECK_FALSE(line.fits(to_value(Line{1, -2.5, {}})));
  const Schema all = Schema::of<All>();
  const Value value = to_value(All{{}, Color::green, {1, 2}, {3, "x"}, {{"on", true}}, Value::list({1})});
  CHECK(all.fits(value));
  for (const auto& [path, wrong] : std::vector<std::pair<const char*, Value>>{{"color", "blue"},
                                                                              {"pair", Value::list({1})},
                                                                              {"mixed", Value::list({"x", 3})},
                                                                              {"flags", Value{{"on", 1}}}}) {
    Value changed = value;
    changed.set(path, wrong);
    CHECK_FALSE(all.fits(changed));
    CHECK_FALSE(changed.get<All>().ok());
  }
  const Schema tree = Schema::of<Tree>();
  CHECK(tree.fits(to_value(Tree{1, {Tree{2, {}}, Tree{3, {Tree{4, {}}}}}})));
  CHECK_FALSE(
      tree.fits(Value{{"value", 1}, {"children", Value::list({Value{{"value", "x"}, {"children", Value::list()}}})}}));
  CHECK(Schema::from(describe<Wrong>()).error().code() == Errc::bad_schema);
}

}  // namespace
}  // namespace theus
