#include <theus/expression.hpp>

#include <theus/convert.hpp>

#include <catch2/catch.hpp>

#include <limits>
#include <map>
#include <random>

namespace theus {
namespace {

class FixedState : public StateReader {
public:
  FixedState() = default;
  explicit FixedState(std::map<std::string, Value> values) : values_(std::move(values)) {}

  std::optional<Value> read(const Path& path) const override {
    const auto found = values_.find(path.text());
    return found == values_.end() ? std::nullopt : std::optional{found->second};
  }

private:
  std::map<std::string, Value> values_;
};

constexpr std::int64_t integer_max = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t integer_min = std::numeric_limits<std::int64_t>::min();

const FixedState state{{
    {"domain.count", 7},
    {"domain.ratio", 0.5},
    {"domain.name", "Alice"},
    {"domain.word", "größe"},
    {"domain.stop", true},
    {"domain.nothing", nullptr},
    {"domain.items", Value::list({1, "two", 3.0})},
    {"domain.items[0]", 1},
    {"domain['odd key.x']", 9},
    {"domain.limits", Value{{"low", 1}}},
    {"domain.huge", integer_max},
    {"domain.least", integer_min},
    {"domain.nan", std::numeric_limits<double>::quiet_NaN()},
    {"domain.inf", std::numeric_limits<double>::infinity()},
}};

Value value_of(const std::string& source) {
  CAPTURE(source);
  return Expression::compile(source).value().evaluate(state).value();
}

Error error_in(const std::string& source) {
  INFO(source);
  auto compiled = Expression::compile(source);
  if (!compiled)
    return compiled.error();
  return compiled->evaluate(state).error();
}

std::int64_t column_of(const Error& error) { return (*error.field("findings"))[0]["column"].as_int(); }

TEST_CASE("literals, paths and operators have the values one reads", "[expression]") {
  CHECK(value_of("domain.count") == Value{7});
  CHECK(value_of("domain['count'] > 5 and not domain.stop == false") == Value{true});
  CHECK(value_of("domain.items[0] + 2 * 3") == Value{7});
  CHECK(value_of("domain['odd key.x']") == Value{9});
  CHECK(value_of("(1 + 2) * -3") == Value{-9});
  CHECK(value_of("10 - 4 - 3") == Value{3});
  CHECK(value_of("7 / 2") == Value{3});
  CHECK(value_of("-7 % 3") == Value{-1});
  CHECK(value_of("7 / 2.0") == Value{3.5});
  CHECK(value_of("domain.ratio * domain.count") == Value{3.5});
  CHECK(value_of("'a' + \"b\\n\"") == Value{"ab\n"});
  CHECK(value_of("True and not False and None == null") == Value{true});
  CHECK(value_of("!domain.stop || domain.stop && true") == Value{true});
  CHECK(value_of("!true == false") == Value{true});
  CHECK(value_of("not true == false") == Value{true});
  CHECK(value_of("not true or true") == Value{true});
  CHECK(value_of("[1, 'a', [true]]") == Value::list({1, "a", Value::list({true})}));
  CHECK(value_of("-9223372036854775808") == Value{integer_min});
}

TEST_CASE("functions cover sizes, presence, texts and extremes", "[expression]") {
  CHECK(value_of("size(domain.items) == 3 and len('') == 0 and size(domain.limits) == 1") == Value{true});
  CHECK(value_of("size(domain.word)") == Value{5});
  CHECK(value_of("has(domain.nothing) and not has(domain.absent)") == Value{true});
  CHECK(value_of("startsWith(domain.name, 'Al') and endsWith(domain.name, 'ce')") == Value{true});
  CHECK(value_of("contains(domain.name, 'lic') and contains(domain.items, 3) and contains(domain.limits, 'low')") ==
        Value{true});
  CHECK(value_of("lower(domain.name) + upper('b[')") == Value{"aliceB["});
  CHECK(value_of("abs(-3) + abs(0.5)") == Value{3.5});
  CHECK(value_of("min(3, 1.5, 2)") == Value{1.5});
  CHECK(value_of("max('a', 'c', 'b')") == Value{"c"});
}

TEST_CASE("membership is asked of lists, maps and texts", "[expression]") {
  CHECK(value_of("'two' in domain.items and 3 in domain.items and 4 not in domain.items") == Value{true});
  CHECK(value_of("'low' in domain.limits") == Value{true});
  CHECK(value_of("domain.name in ['Bob', 'Alice']") == Value{true});
  CHECK(value_of("domain.absent in [1, 2]") == Value{false});
  CHECK(value_of("domain.absent not in [1, 2]") == Value{true});
  CHECK(error_in("1 in 5").code() == Errc::bad_expression);
  CHECK(error_in("1 in domain.absent").field("path")->as_string() == "domain.absent");
}

TEST_CASE("integers and reals compare exactly", "[expression][F67]") {
  CHECK(value_of("1 == 1.0 and [1] == [1.0]") == Value{true});
  CHECK(value_of("9007199254740993 > 9007199254740992.0") == Value{true});
  CHECK(value_of("9007199254740993 == 9007199254740992.0") == Value{false});
  CHECK(value_of("domain.huge < 9223372036854775808.0") == Value{true});
  CHECK(value_of("domain.least == -9223372036854775808.0") == Value{true});
  CHECK(value_of("-2 < -1.5 and -1.5 < -1 and 2 > 1.5") == Value{true});
  CHECK(value_of("domain.inf > domain.huge and -1.5 <= -1.5") == Value{true});
}

TEST_CASE("values of different kinds are unequal and have no order", "[expression]") {
  CHECK(value_of("1 == '1' or true == 1 or null == false or [] == null") == Value{false});
  CHECK(value_of("1 != '1'") == Value{true});
  CHECK(error_in("1 < '1'").code() == Errc::bad_expression);
  CHECK(error_in("true < false").code() == Errc::bad_expression);
  CHECK(error_in("[1] < [2]").code() == Errc::bad_expression);
}

TEST_CASE("NaN equals nothing and has no place in an order or a result", "[expression][F67]") {
  CHECK(value_of("domain.nan == domain.nan") == Value{false});
  CHECK(value_of("domain.nan != domain.nan") == Value{true});
  CHECK(error_in("domain.nan < 1").cause().find("NaN") != std::string::npos);
  CHECK(error_in("domain.nan + 1").code() == Errc::bad_expression);
}

TEST_CASE("overflow and division by zero are errors", "[expression][F67]") {
  for (const char* source :
       {"domain.huge + 1", "domain.least - 1", "domain.huge * 2", "domain.least / -1", "-domain.least",
        "abs(domain.least)", "1 / 0", "1 % 0", "1.0 / 0", "1 / 0.0", "1e308 * 10", "domain.inf - 1"})
    CHECK(error_in(source).code() == Errc::bad_expression);
  CHECK(value_of("domain.least % -1") == Value{0});
}

TEST_CASE("an absent path equals nothing, and is an error elsewhere that names it", "[expression]") {
  CHECK(value_of("signal.cmd_stop == true") == Value{false});
  CHECK(value_of("signal.cmd_stop != true") == Value{true});
  CHECK(value_of("domain.absent == null") == Value{false});
  CHECK(value_of("has(domain.absent) and domain.absent > 3") == Value{false});
  for (const char* source :
       {"domain.absent < 100", "domain.absent + 1", "not domain.absent", "domain.absent and true", "-domain.absent",
        "size(domain.absent)", "[domain.absent]", "true and domain.absent", "domain.absent"}) {
    const Error error = error_in(source);
    CHECK(error.code() == Errc::bad_expression);
    CHECK(error.field("path")->as_string() == "domain.absent");
    CHECK(error.field("expression")->as_string() == source);
  }
}

TEST_CASE("and, or stop at the operand that decides and take booleans only", "[expression]") {
  CHECK(value_of("false and 1 / 0 == 1") == Value{false});
  CHECK(value_of("true or 1 / 0 == 1") == Value{true});
  CHECK(value_of("true and false or true") == Value{true});
  CHECK(error_in("true and 1").code() == Errc::bad_expression);
  CHECK(error_in("1 or true").code() == Errc::bad_expression);
  CHECK(error_in("not 'x'").code() == Errc::bad_expression);
}

TEST_CASE("a condition must be boolean", "[expression]") {
  CHECK(Expression::compile("domain.stop")->test(state).value());
  CHECK(Expression::compile("domain.count")->test(state).error().code() == Errc::bad_expression);
}

TEST_CASE("the paths an expression reads are known, each once", "[expression]") {
  const auto expression = Expression::compile("domain.a > 1 and has(domain['b']) or domain.a in global.c").value();
  const std::vector<Path> expected{"domain.a", "domain.b", "global.c"};
  CHECK(std::vector<Path>{expression.paths().begin(), expression.paths().end()} == expected);
  CHECK_FALSE(expression.is_constant());
  CHECK(Expression::compile("1 < 2")->is_constant());
}

TEST_CASE("a malformed expression is refused with column and suggestion", "[expression]") {
  struct Malformed {
    const char* source;
    int column;
    const char* suggestion;
  };
  const auto row = GENERATE(values<Malformed>({
      {"", 1, ""},
      {"domain.x = 3", 10, "=="},
      {"domain.x & true", 10, "&&"},
      {"1 < 2 < 3", 7, "a < b and b < c"},
      {"not 1 == 2 == 3", 12, "a < b and b < c"},
      {"siz(domain.x)", 1, "'size'"},
      {"domain.x.startsWith('a')", 1, "startsWith(domain.x"},
      {"startsWith('a')", 1, ""},
      {"has(1)", 1, "has(domain.x)"},
      {"(1 + 2", 7, ""},
      {"1 +", 4, ""},
      {"1 2", 3, ""},
      {"domain.items[domain.i]", 13, "computed keys"},
      {"domain..x", 7, "domain.x"},
      {"'abc", 1, "Close"},
      {"'\\q'", 2, "escapes"},
      {"größe + ?", 9, "flux: if"},
      {"a ++ b", 4, ""},
      {"x not y", 7, ""},
      {"domain.x; 1", 9, ""},
  }));
  CAPTURE(row.source);
  const Error error = Expression::compile(row.source).error();
  CHECK(error.code() == Errc::bad_expression);
  CHECK(column_of(error) == row.column);
  CHECK(error.remedy().find(row.suggestion) != std::string::npos);
}

TEST_CASE("errors count lines and columns from where the expression stands in its file", "[expression]") {
  const Error error = Expression::compile("1 +\n  = 2", {12, 20}).error();
  CHECK((*error.field("findings"))[0]["line"] == Value{13});
  CHECK(column_of(error) == 3);
  CHECK(column_of(Expression::compile("= 2", {12, 20}).error()) == 20);
}

TEST_CASE("numbers follow one grammar: no hex, octal, leading zeros, infinities", "[expression][F67]") {
  CHECK(value_of("0.25e+2") == Value{25.0});
  for (const char* source :
       {"0x1F", "017", "1_000", "1.", "1e400", "9223372036854775808", "-9223372036854775809", "1.2.3", "5x"})
    CHECK(Expression::compile(source).error().code() == Errc::bad_expression);
}

TEST_CASE("the grammar is closed: nothing reaches into the program", "[expression][F72]") {
  for (const char* source : {"system('ls')", "__import__('os')", "domain.__class__()", "lambda: 1", "x if y else z",
                             "a; b", "`id`", "a.b(c)", "${domain.x}", "a[b]", "{1: 2}", "a := 1",
                             "matches(domain.x, '(a+)+$')", "domain.x\x01", "domain.\xff"})
    CHECK(Expression::compile(source).error().code() == Errc::bad_expression);
}

TEST_CASE("nesting and size of an expression are bounded", "[expression][F16][F72]") {
  const auto nested = [](std::size_t levels, const std::string& open, const std::string& close) {
    std::string source;
    for (std::size_t i = 0; i < levels; ++i)
      source += open;
    source += "true";
    for (std::size_t i = 0; i < levels; ++i)
      source += close;
    return source;
  };
  CHECK(Expression::compile(nested(63, "(", ")")).ok());
  CHECK(Expression::compile(nested(64, "(", ")")).error().code() == Errc::too_deep);
  for (const char* open : {"(", "[", "!", "not ", "- ", "min(", "true and ("})
    CHECK(Expression::compile(nested(400, open, "")).error().code() == Errc::too_deep);
  CHECK(Expression::compile(std::string(5000, ' ')).error().code() == Errc::too_large);
}

TEST_CASE("a long flat expression needs no depth", "[expression][F16]") {
  std::string sum = "0";
  for (int i = 0; i < 1000; ++i)
    sum += "+1";
  CHECK(value_of(sum) == Value{1000});
  std::string list = "[0";
  for (int i = 0; i < 1000; ++i)
    list += ",1";
  CHECK(value_of("size(" + list + "])") == Value{1001});
}

TEST_CASE("texts put together by an expression are bounded", "[expression]") {
  const FixedState big{{{"domain.text", std::string(600'000, 'x')}}};
  CHECK(Expression::compile("domain.text + domain.text")->evaluate(big).error().code() == Errc::too_large);
}

TEST_CASE("values nested too deep to compare are an error", "[expression]") {
  Value deep = 1;
  for (int i = 0; i < 70; ++i)
    deep = Value::list({deep});
  const FixedState nested{{{"domain.deep", deep}}};
  CHECK(Expression::compile("domain.deep == domain.deep")->evaluate(nested).error().code() == Errc::too_deep);
}

TEST_CASE("any source is refused with a place, or evaluates to a value or an error", "[expression][F72][random]") {
  const auto seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  std::mt19937 random{seed};
  const std::vector<std::string> words{"domain.count",
                                       "domain.name",
                                       "domain.items[0]",
                                       "domain.absent",
                                       "domain['x",
                                       "1",
                                       "0",
                                       "2.5",
                                       "'a'",
                                       "\"",
                                       "true",
                                       "null",
                                       "and",
                                       "or",
                                       "not",
                                       "in",
                                       "==",
                                       "<",
                                       ">=",
                                       "+",
                                       "-",
                                       "*",
                                       "/",
                                       "%",
                                       "(",
                                       ")",
                                       "[",
                                       "]",
                                       ",",
                                       "size(",
                                       "min(",
                                       "has(",
                                       "domain.huge",
                                       "!",
                                       "\xff",
                                       "$",
                                       "9223372036854775808"};
  int evaluated = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string source;
    for (auto length = random() % 8 + 1; length > 0; --length)
      source += words[random() % words.size()] + (random() % 4 == 0 ? "" : " ");
    CAPTURE(source);
    const auto expression = Expression::compile(source);
    if (!expression) {
      CHECK(column_of(expression.error()) <= static_cast<std::int64_t>(source.size()) + 1);
      continue;
    }
    const auto value = expression->evaluate(state);
    ++evaluated;
    CHECK((value.ok() || value.error().field("expression")->as_string() == source));
  }
  CHECK(evaluated > 100);
}

}  // namespace
}  // namespace theus
