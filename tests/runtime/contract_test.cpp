#include "runtime/contract.hpp"

#include "tests/support/execution_stage.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

using testing::rule_of;
using Strings = std::vector<std::string>;

Contract contract(const Strings& inputs, const Strings& outputs, Semantic semantic = Semantic::effect) {
  return Contract::compile("match_orders", inputs, outputs, semantic).value();
}

TEST_CASE("a violation names the process, the path, the right and the rule", "[contract][F82]") {
  const Error error = contract({"domain.user.profile"}, {}).illegal_read("domain.user.email");
  CHECK(error.code() == Errc::contract_violation);
  CHECK(*error.field("process") == "match_orders");
  CHECK(*error.field("path") == "domain.user.email");
  CHECK(*error.field("right") == "read");
  CHECK(*error.field("rule") == "illegal_read");
  CHECK(error.text().find("domain.user.profile") != std::string::npos);
}

TEST_CASE("inputs may be read, outputs may be read and written, nothing else", "[contract][F82]") {
  const Contract sut = contract({"domain.orders"}, {"domain.total"});
  CHECK(sut.reading("domain.orders[1].id", {}) == Contract::Reading::whole);
  CHECK(sut.reading("domain.total", {}) == Contract::Reading::whole);
  CHECK(sut.reading("domain", {}) == Contract::Reading::partial);
  CHECK(sut.reading("domain.other", {}) == Contract::Reading::none);

  CHECK(sut.may_write(Write::set("domain.total", 1), {}).ok());
  CHECK(sut.may_write(Write::erase("domain.total.part"), {}).ok());
  CHECK(rule_of(sut.may_write(Write::set("domain.orders", 1), {})) == "illegal_write");
  CHECK(rule_of(sut.may_write(Write::append("domain.orders", 1), {})) == "illegal_write");
  CHECK(rule_of(sut.may_write(Write::set("domain.other", 1), {})) == "illegal_write");
  CHECK(rule_of(sut.may_write(Write::set("domain", 1), {})) == "illegal_write");
}

TEST_CASE("the zone bounds what a declared output allows", "[contract][zone]") {
  const Contract sut = contract({}, {"domain", "**"});
  CHECK(sut.may_write(Write::append("domain.log_history", "line"), {}).ok());
  CHECK(rule_of(sut.may_write(Write::set("domain.log_history", Value::list()), {})) == "capability");
  CHECK(rule_of(sut.may_write(Write::erase("domain.log_history"), {})) == "capability");
  CHECK(rule_of(sut.may_write(Write::set("domain.const_limit", 1), {})) == "capability");
  CHECK(rule_of(sut.may_write(Write::set("internal_data", 1), {})) == "capability");
  CHECK(sut.reading("domain.internal_data", {}) == Contract::Reading::none);
  CHECK(sut.reading("domain.const_limit", {}) == Contract::Reading::whole);
}

TEST_CASE("a contract that can never hold is refused when it is compiled", "[contract]") {
  const auto refusal = [](const Strings& inputs, const Strings& outputs, Semantic semantic) {
    return rule_of(Contract::compile("p", inputs, outputs, semantic));
  };
  CHECK(refusal({"signal.cmd_stop"}, {}, Semantic::pure) == "pure_effect");
  CHECK(refusal({"domain.meta_trace"}, {}, Semantic::pure) == "pure_effect");
  CHECK(refusal({}, {"domain.sig_done"}, Semantic::pure) == "pure_effect");
  CHECK(refusal({}, {"domain.x"}, Semantic::guide) == "illegal_write");
  CHECK(refusal({}, {"const_limit"}, Semantic::effect) == "capability");
  CHECK(refusal({}, {"domain.internal_x"}, Semantic::effect) == "capability");
  CHECK(refusal({"domain.internal_x"}, {}, Semantic::effect) == "capability");
  CHECK(refusal({"signal.cmd_stop"}, {"domain.sig_done"}, Semantic::effect).empty());
}

TEST_CASE("a malformed declared path is refused with the process and the path", "[contract]") {
  const auto refused = Contract::compile("p", {"domain..x"}, {}, Semantic::effect);
  CHECK(refused.error().code() == Errc::bad_argument);
  CHECK(refused.error().where().find("'p'") != std::string::npos);
  CHECK(refused.error().where().find("domain..x") != std::string::npos);
}

TEST_CASE("only an effect process emits signals", "[contract]") {
  CHECK(contract({}, {}).may_emit("done").ok());
  CHECK(rule_of(contract({}, {}, Semantic::pure).may_emit("done")) == "pure_effect");
  CHECK(rule_of(contract({}, {}, Semantic::guide).may_emit("done")) == "pure_effect");
}

TEST_CASE("a wide declaration opens no way to signals for a pure process", "[contract]") {
  for (const char* declared : {"domain", "**", "domain.*"}) {
    INFO(declared);
    const Contract sut = contract({declared}, {declared}, Semantic::pure);
    CHECK(sut.reading("domain.x", {}) == Contract::Reading::whole);
    CHECK(sut.reading("domain.sig_done", {}) == Contract::Reading::none);
    CHECK(sut.reading("domain.meta_trace", {}) == Contract::Reading::none);
    CHECK(rule_of(sut.may_write(Write::set("domain.sig_done", 1), {})) == "pure_effect");
  }
}

}  // namespace
}  // namespace theus
