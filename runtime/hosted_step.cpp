#include "runtime/hosted_step.hpp"

#include <algorithm>

namespace theus {
namespace {

Error too_many(const Contract& contract, std::string_view what, std::size_t limit) {
  return Error{Errc::too_large, "'" + contract.name() + "'",
               "it has more than " + std::to_string(limit) + " " + std::string{what} + " in one step",
               "Send fewer, with more in each"}
      .with("limit", limit);
}

bool declares_heavy(const std::vector<PathPattern>& patterns) {
  return std::ranges::any_of(patterns, [](const PathPattern& each) { return each.path().zone() == Zone::heavy; });
}

}  // namespace

bool may_step_elsewhere(const Contract& contract) {
  return !contract.may_elevate() && !declares_heavy(contract.inputs()) && !declares_heavy(contract.outputs());
}

Result<ExecutionResult> step_within_contract(const Contract& contract, AgentStep step, const Value& before,
                                             const Addressees& addressees) {
  for (const Write& write : step.writes)
    if (auto allowed = contract.may_write(write, contract.standing()); !allowed)
      return allowed.error();
  if (auto admitted = contract.access().admit_all(step.writes); !admitted)
    return admitted.error();
  if (step.signals.size() > signals_per_commit_max)
    return too_many(contract, "signals", signals_per_commit_max);
  for (const Signal& signal : step.signals)
    if (auto allowed = contract.may_emit(signal.name); !allowed)
      return allowed.error();
  if (step.messages.size() > messages_per_commit_max)
    return too_many(contract, "messages", messages_per_commit_max);
  for (const OutgoingMessage& message : step.messages)
    if (auto known = addressees.check(message.agent); !known)
      return known.error();
  ExecutionResult result;
  result.proposal.writes = std::move(step.writes);
  result.proposal.signals = std::move(step.signals);
  result.proposal.standing = contract.standing();
  result.agent_state = step.state ? *std::move(step.state) : before;
  result.messages = std::move(step.messages);
  return result;
}

}  // namespace theus
