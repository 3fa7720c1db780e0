#include "runtime/hosted_step.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

class Known final : public Addressees {
public:
  Status check(std::string_view agent) const override {
    return agent == "b" ? Status{} : Error{Errc::unknown_agent, std::string{agent}, "nobody"};
  }
};

Contract contract_of(std::vector<std::string> reads, std::vector<std::string> writes,
                     std::vector<std::string> side_effects = {}) {
  AccessOptions access;
  access.admin = true;
  return Contract::compile("a", reads, writes, Semantic::effect, side_effects, AccessTable::compile(access).value())
      .value();
}

Result<ExecutionResult> held(AgentStep step, const Contract& contract = contract_of({}, {"domain.a"})) {
  return step_within_contract(contract, std::move(step), Value{"before"}, Known{});
}

}  // namespace

TEST_CASE("a step taken elsewhere is committed as it was asked for", "[hosted_step]") {
  const auto result = held({.writes = {Write::set("domain.a", 1)}, .signals = {{"moved", 2}}, .messages = {{"b", 3}}});
  REQUIRE(result);
  CHECK(result->proposal.writes.size() == 1);
  CHECK(result->proposal.signals.size() == 1);
  CHECK(result->messages.size() == 1);
  CHECK(result->agent_state == Value{"before"});
  CHECK(held({.state = Value{4}})->agent_state == Value{4});
}

TEST_CASE("a host writes, signals and sends no more than the agent may", "[hosted_step]") {
  const auto foreign = held({.writes = {Write::set("domain.b", 1)}});
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().code() == Errc::contract_violation);
  CHECK(held({.messages = {{"nobody", 1}}}).error().code() == Errc::unknown_agent);
  CHECK(held({.signals = std::vector<Signal>(signals_per_commit_max + 1)}).error().code() == Errc::too_large);
  CHECK(held({.messages = std::vector<OutgoingMessage>(messages_per_commit_max + 1, {"b", 1})}).error().code() ==
        Errc::too_large);
}

TEST_CASE("what a step may write beyond the ordinary comes from the contract here", "[hosted_step]") {
  const auto granted =
      held({.writes = {Write::set("global.rate", 1)}}, contract_of({}, {"global.rate"}, {"write:global"}));
  REQUIRE(granted);
  CHECK(granted->proposal.standing.grants == std::vector<std::string>{"global"});
  CHECK_FALSE(granted->proposal.standing.is_elevated);
}

TEST_CASE("agents that may be elevated or use heavy buffers stay with the owner", "[hosted_step]") {
  CHECK(may_step_elsewhere(contract_of({"domain"}, {"domain.a"})));
  CHECK_FALSE(may_step_elsewhere(contract_of({"domain"}, {"domain.a"}, {"admin"})));
  CHECK_FALSE(may_step_elsewhere(contract_of({"heavy.frame"}, {"domain.a"})));
  CHECK_FALSE(may_step_elsewhere(contract_of({}, {"domain.heavy_frame"})));
}

}  // namespace theus
