#include <theus/json.hpp>

#include "tests/support/generators.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace theus {
namespace {

Error refusal(std::string_view text, const JsonLimits& limits = {}) {
  CAPTURE(text.substr(0, 100));
  const auto result = parse_json(text, limits);
  REQUIRE_FALSE(result.ok());
  return result.error();
}

std::string place(std::string_view text) {
  const Error error = refusal(text);
  CHECK(error.code() == Errc::bad_input);
  return std::to_string(error.field("line")->as_int()) + ":" + std::to_string(error.field("column")->as_int());
}

std::uint64_t bits(const Value& real) { return std::bit_cast<std::uint64_t>(real.as_double()); }

// Equality that also tells 0.0 from -0.0.
bool same(const Value& a, const Value& b) { return a == b && to_json(a) == to_json(b); }

TEST_CASE("a JSON text becomes the value it stands for", "[json]") {
  const auto value =
      parse_json(R"( {"id": 7, "tags": ["a", null, true], "price": 1.0, "deep": {"x": -1.5e3}} )").value();
  CHECK(value ==
        Value{{"id", 7}, {"tags", Value::list({"a", nullptr, true})}, {"price", 1.0}, {"deep", Value{{"x", -1500.0}}}});
  CHECK(parse_json("3").value() == Value{3});
  CHECK(parse_json("[]").value() == Value::list());
  CHECK(parse_json(R"("\u00e9\ud83d\ude00\n")").value() == Value{"\u00e9\U0001f600\n"});
}

TEST_CASE("what parse_json reads back equals what to_json wrote", "[json]") {
  rc::prop("compact", [](const Value& value) { RC_ASSERT(same(parse_json(to_json(value)).value(), value)); });
  rc::prop("indented", [](const Value& value) { RC_ASSERT(same(parse_json(to_json(value, 2)).value(), value)); });
  rc::prop("doubles keep their bits", [](std::uint64_t pattern) {
    const Value real = std::bit_cast<double>(pattern);
    RC_ASSERT(bits(parse_json(to_json(real)).value()) == pattern);
  });
}

TEST_CASE("nlohmann understands what to_json writes", "[json]") {
  rc::prop("same integers, strings and nesting", [](const Value& value) {
    const auto theirs = nlohmann::json::parse(to_json(value));
    RC_ASSERT(same(parse_json(theirs.dump()).value(), value));
  });
}

TEST_CASE("a number without fraction is an integer, all others are doubles", "[json][F67]") {
  CHECK(to_json(1.0) == "1.0");
  CHECK(to_json(1e22) == "1e+22");
  CHECK(to_json(-0.0) == "-0.0");
  CHECK(parse_json("1e2").value() == Value{100.0});
  CHECK(parse_json("9223372036854775807").value() == Value{INT64_MAX});
  CHECK(parse_json("-9223372036854775808").value() == Value{INT64_MIN});
}

TEST_CASE("a number that does not fit is refused, not rounded", "[json][F67]") {
  CHECK(place("[1, 9223372036854775808]") == "1:5");
  CHECK(place("[1, 18446744073709551616]") == "1:5");
  CHECK(place("-9223372036854775809") == "1:1");
  for (const char* text :
       {"1e400", "-1e400", "NaN", "Infinity", "-Infinity", "0x10", "010", "+1", ".5", "1.", "1e", "--1"})
    CHECK(refusal(text).code() == Errc::bad_input);
}

TEST_CASE("every departure from RFC 8259 is refused at its place", "[json][F67]") {
  CHECK(place("") == "1:1");
  CHECK(place("{\"a\": 1,\n \"\u00e9\": x}") == "2:7");
  CHECK(place("[1,]") == "1:4");
  CHECK(place("[1] 2") == "1:5");
  for (const char* text :
       {"[1 2]", "{\"a\" 1}", "{a: 1}", "'a'", "[1", "{", "\"a", "// c\n1", "nul", "\"\t\"", "\"\\x\"", "\"\\ud800\""})
    CHECK(refusal(text).code() == Errc::bad_input);
  CHECK(refusal("\"\xff\"").code() == Errc::bad_input);
  CHECK(refusal("\"\xed\xa0\x80\"").code() == Errc::bad_input);
  CHECK(place(std::string{"1\0", 2}) == "1:2");
  CHECK(refusal("1x").cause().find("json.exception") == std::string::npos);
}

TEST_CASE("a key that stands twice is refused where it stands the second time", "[json]") {
  CHECK(place("{\"a\": 1,\n  \"b\": 2, \"a\": 3}") == "2:11");
  CHECK(place(R"({"\"\\": 1, "\u0022\\": 2})") == "1:13");
  CHECK(parse_json(R"({"a": {"a": 1}, "b": {"a": 2}})").ok());
}

TEST_CASE("a text over its limits is refused before it costs more", "[json][F74]") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(parse_json(nested(64)).ok());
  const Error deep = refusal(nested(65));
  CHECK(deep.code() == Errc::too_deep);
  CHECK(deep.field("column")->as_int() == 65);
  CHECK(refusal(std::string(1'000'000, '[')).code() == Errc::too_deep);
  CHECK(refusal("[1, 2, 3]", {.bytes_max = 8}).code() == Errc::too_large);
}

TEST_CASE("bytes, heavy references and numbers beyond JSON are tagged objects", "[json]") {
  const std::array content{std::byte{0}, std::byte{1}, std::byte{2}, std::byte{255}};
  CHECK(to_json(Value::bytes(content)) == R"({"$bytes":"AAEC/w=="})");
  CHECK(to_json(std::numeric_limits<double>::infinity()) == R"({"$real":"inf"})");
  CHECK(to_json(Value::heavy(HeavyRef{{1}})).starts_with(R"({"$heavy":"00000000000000010000)"));
  for (const char* text : {R"({"$bytes": 1})", R"({"$bytes": "AAE"})", R"({"$bytes": "AB=="})", R"({"$bytes": "A AA"})",
                           R"({"$real": "1.5"})", R"({"$real": "nan:0000000000000001"})", R"({"$heavy": "00"})"})
    CHECK(place(text) == "1:2");
}

TEST_CASE("a map that looks like a tagged object stays a map", "[json]") {
  for (const char* key : {"$bytes", "$$bytes", "$$$real", "$heavy", "$other", "bytes"}) {
    const Value map{{key, "AAEC"}};
    CHECK(parse_json(to_json(map)).value() == map);
  }
  CHECK(parse_json(R"({"$bytes": "AAEC", "more": 1})").value().is_map());
}

TEST_CASE("to_json writes nothing that drives a terminal or breaks a line", "[json]") {
  CHECK(to_json("\x1b[2J\n\u202e\u0085\x7f") == R"("\u001b[2J\n\u202e\u0085\u007f")");
  CHECK(to_json("a\xff"
                "b") ==
        "\"a\ufffd"
        "b\"");
  CHECK(to_json(Value{{"b", Value::list({1, Value::list()})}, {"a", Value::map()}}, 2) ==
        "{\n  \"a\": {},\n  \"b\": [\n    1,\n    []\n  ]\n}");
}

TEST_CASE("a value a million lists deep is written without a crash", "[json][F74]") {
  Value deep;
  for (int i = 0; i < 1'000'000; ++i)
    deep = Value::list({deep});
  CHECK(to_json(deep).size() == 2'000'004);
}

}  // namespace
}  // namespace theus
