#include <theus/limits.hpp>

#include <catch2/catch.hpp>

namespace theus {
namespace {

Value nested(int levels) {
  Value value = 1;
  for (int i = 0; i < levels; ++i)
    value = i % 2 == 0 ? Value::list({value}) : Value{{"k", value}};
  return value;
}

Error refusal(const Value& value, const ValueLimits& limits = {}) {
  const Status status = check_limits(value, limits);
  REQUIRE_FALSE(status.ok());
  return status.error();
}

TEST_CASE("a value within the limits passes", "[limits][F74]") {
  CHECK(check_limits(nested(64)).ok());
  CHECK(check_limits(1, {.depth_max = 0, .bytes_max = 1}).ok());
  CHECK(check_limits(Value{{"name", "\u00e9"}, {"odd key", 1}}).ok());
}

TEST_CASE("a value nested too deep is refused where it passes the limit", "[limits][F74]") {
  CHECK(refusal(nested(65)).code() == Errc::too_deep);
  const Error error = refusal(Value{{"a", Value{{"b", nested(2)}}}}, {.depth_max = 3});
  CHECK(error.where() == "a.b.k");
  CHECK(*error.field("limit") == Value{3});
  CHECK(*error.field("asked") == Value{4});
  CHECK(refusal(nested(1'000'000)).code() == Errc::too_deep);
  CHECK(refusal(nested(1'000'000), {.depth_max = 500}).field("path")->size() > 64);
}

TEST_CASE("a value too large is refused with the part that is too large by itself", "[limits][F74]") {
  const Value document{{"id", 1}, {"pages", Value::list({"short", std::string(200, 'x'), "short"})}};
  CHECK(check_limits(document, {.bytes_max = 230}).ok());
  CHECK(refusal(document, {.bytes_max = 225}).where() == "the value");
  CHECK(refusal(document, {.bytes_max = 205}).where() == "pages");
  const Error error = refusal(document, {.bytes_max = 150});
  CHECK(error.code() == Errc::too_large);
  CHECK(error.where() == "pages[1]");
  CHECK(*error.field("path") == Value{"pages[1]"});
}

TEST_CASE("sharing does not hide the size of a value, nor make checking it slow", "[limits][F74]") {
  Value value = "0123456789";
  for (int i = 0; i < 40; ++i)
    value = Value::list({value, value});
  CHECK(refusal(value).code() == Errc::too_large);
}

TEST_CASE("text that is not UTF-8 and keys that no path can name are refused", "[limits]") {
  CHECK(refusal(Value{{"a", Value::list({"\xff"})}}).where() == "a[0]");
  CHECK(refusal(Value{{"a", Value{{"", 1}}}}).cause() == "a key is empty");
  CHECK(refusal(Value{{std::string(256, 'k'), 1}}).cause() == "a key is longer than 255 bytes");
  CHECK(refusal(Value{{"a\nb", 1}}).cause() == "a key holds a control character");
  CHECK(refusal(Value{{"\xff", 1}}).code() == Errc::bad_argument);
}

TEST_CASE("the first number that is not finite is found", "[limits][F67]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(find_non_finite(Value{{"a", Value::list({1.0, 2, "nan"})}}) == std::nullopt);
  CHECK(find_non_finite(Value{{"a", Value::list({1.0, nan})}}) == Path{"a[1]"});
  CHECK(find_non_finite(-infinity) == Path{});
  CHECK(find_non_finite(nested(1'000'000)) == std::nullopt);
}

}  // namespace
}  // namespace theus
