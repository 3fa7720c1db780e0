#include "runtime/return_mapping.hpp"

#include "tests/support/execution_stage.hpp"

#include <catch2/catch.hpp>

#include <map>

namespace theus {
namespace {

using testing::rule_of;

const std::vector<std::string> two{"domain.order.total", "domain.status"};

Result<std::vector<MappedOutput>> mapped(const std::vector<std::string>& outputs, const Returned& returned) {
  return map_outputs(Contract::compile("p", {}, outputs, Semantic::effect).value(), returned);
}

std::map<std::string, Value> sets_of(const Result<std::vector<MappedOutput>>& mapping) {
  std::map<std::string, Value> sets;
  for (const auto& [path, output] : mapping.value())
    if (output.kind() == Output::Kind::set)
      sets.emplace(path.text(), output.value());
  return sets;
}

const std::map<std::string, Value> both{{"domain.order.total", 7}, {"domain.status", "done"}};

TEST_CASE("one output takes one value, whatever its kind", "[return_mapping]") {
  for (const Value& value : {Value{3}, Value{}, Value::list({1, 2, 3}), Value{{"a", 1}, {"b", 2}}})
    CHECK(sets_of(mapped({"domain.x"}, Returned{value})) == std::map<std::string, Value>{{"domain.x", value}});
}

TEST_CASE("several outputs take a tuple in the order of their declaration", "[return_mapping]") {
  CHECK(sets_of(mapped(two, Returned{std::tuple{7, "done"}})) == both);
}

TEST_CASE("several outputs take a map keyed by full path or by unique last segment", "[return_mapping]") {
  CHECK(sets_of(mapped(two, Returned{Value{{"domain.order.total", 7}, {"domain.status", "done"}}})) == both);
  CHECK(sets_of(mapped(two, Returned{Value{{"total", 7}, {"status", "done"}}})) == both);
  CHECK(sets_of(mapped(two, Returned::named({{"total", 7}, {"domain['status']", "done"}}))) == both);
}

TEST_CASE("a name may lead below a declared output", "[return_mapping]") {
  const auto sets = sets_of(mapped({"domain.order", "domain.status"}, Returned::named({{"domain.order.total", 7}})));
  CHECK(sets == std::map<std::string, Value>{{"domain.order.total", 7}});
}

TEST_CASE("outputs that a map does not name are left alone", "[return_mapping]") {
  CHECK(sets_of(mapped(two, Returned{Value{{"total", 7}}})).size() == 1);
}

TEST_CASE("null, erase and unchanged are three different wishes", "[return_mapping]") {
  const auto mapping =
      mapped({"domain.a", "domain.b", "domain.c"}, Returned{std::tuple{Value{}, Output::erase(), Output::unchanged()}});
  REQUIRE(mapping.value().size() == 3);
  CHECK((*mapping)[0].output.kind() == Output::Kind::set);
  CHECK((*mapping)[0].output.value().is_null());
  CHECK((*mapping)[1].output.kind() == Output::Kind::erase);
  CHECK((*mapping)[2].output.kind() == Output::Kind::unchanged);
}

TEST_CASE("a scalar, a list or a mark for several outputs is refused as arity", "[return_mapping]") {
  CHECK(rule_of(mapped(two, Returned{Value{3}})) == "arity");
  CHECK(rule_of(mapped(two, Returned{Value::list({7, "done"})})) == "arity");
  CHECK(rule_of(mapped(two, Returned{Output::erase()})) == "arity");
}

TEST_CASE("a tuple of another size than the outputs is refused as arity", "[return_mapping]") {
  CHECK(rule_of(mapped(two, Returned{std::tuple{7, "done", true}})) == "arity");
  CHECK(rule_of(mapped(two, Returned{std::tuple{7}})) == "arity");
  CHECK(rule_of(mapped({"domain.x"}, Returned{std::tuple{7, 8}})) == "arity");
  CHECK(rule_of(mapped({"domain.*", "domain.b"}, Returned{std::tuple{7, 8}})) == "arity");
}

TEST_CASE("a last segment that two outputs share is ambiguous; the full path works", "[return_mapping]") {
  const std::vector<std::string> outputs{"domain.order.total", "domain.cart.total"};
  const auto refused = mapped(outputs, Returned{Value{{"total", 7}}});
  CHECK(rule_of(refused) == "ambiguous");
  CHECK(refused.error().cause().find("domain.order.total and domain.cart.total") != std::string::npos);
  CHECK(sets_of(mapped(outputs, Returned{Value{{"domain.cart.total", 7}}})) ==
        std::map<std::string, Value>{{"domain.cart.total", 7}});
}

TEST_CASE("a name that fits no output is refused and quoted", "[return_mapping]") {
  const auto refused = mapped(two, Returned{Value{{"totl", 7}}});
  CHECK(rule_of(refused) == "undeclared_output");
  CHECK(refused.error().cause().find("'totl'") != std::string::npos);
  CHECK(rule_of(mapped(two, Returned{Value{{"domain.order", 7}}})) == "undeclared_output");
}

TEST_CASE("an output with a wildcard is named by the path it stands for", "[return_mapping]") {
  const std::vector<std::string> outputs{"domain.agents.*.x"};
  CHECK(sets_of(mapped(outputs, Returned::named({{"domain.agents.a1.x", 7}}))) ==
        std::map<std::string, Value>{{"domain.agents.a1.x", 7}});
  CHECK(rule_of(mapped(outputs, Returned::named({{"x", 7}}))) == "undeclared_output");
}

TEST_CASE("nothing returned, or no output declared, maps to nothing", "[return_mapping]") {
  CHECK(mapped(two, Returned{}).value().empty());
  CHECK(mapped({}, Returned{Value{3}}).value().empty());
}

TEST_CASE("the value of an execution is what the body returned, as one value", "[return_mapping]") {
  CHECK(value_of(Returned{}) == Value{});
  CHECK(value_of(Returned{Value{3}}) == Value{3});
  CHECK(value_of(Returned{std::tuple{1, "a"}}) == Value::list({1, "a"}));
  CHECK(value_of(Returned::named({{"a", 1}, {"b", Output::erase()}})) == Value{{"a", 1}});
}

}  // namespace
}  // namespace theus
