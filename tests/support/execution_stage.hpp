#pragma once

#include "runtime/commit_turn.hpp"
#include "runtime/execution.hpp"

#include <theus/errors.hpp>

namespace theus::testing {

/// A state and processes that run on it by themselves, without an engine: one attempt, on the caller's thread.
class ExecutionStage {
public:
  explicit ExecutionStage(std::vector<Write> initial = {}) { commit(std::move(initial)).value(); }

  Outcome commit(std::vector<Write> writes) { return turn.commit(ProposalView{turn.version(), false, {}, writes, {}}); }

  /// Runs the body on the newest snapshot. Commits nothing.
  Result<ExecutionResult> run(const Process& process) const {
    auto contract = Contract::compile(process.name, process.inputs, process.outputs, process.semantic);
    if (!contract)
      return contract.error();
    return run_body(process.body, std::make_shared<Execution>(ExecutionStart{
                                      std::make_shared<Contract>(*std::move(contract)), turn.snapshot()}));
  }

  /// Runs the body and commits what it wants.
  Outcome execute(const Process& process) {
    auto result = run(process);
    return result ? turn.commit(result->proposal.view()) : Outcome{result.error()};
  }

  /// The value at the path; null when nothing stands there.
  Value at(const Path& path) const { return turn.snapshot().find(path).value_or(Value{}); }
  Value everything() const { return at(""); }

  CommitTurn turn;
};

/// "illegal_write" and the like; empty when the error is no contract violation.
inline std::string rule_of(const Error& error) {
  const Value* rule = error.code() == Errc::contract_violation ? error.field("rule") : nullptr;
  return rule != nullptr ? std::string{rule->as_string()} : std::string{};
}

template <class T>
std::string rule_of(const Result<T>& result) {
  return result ? std::string{} : rule_of(result.error());
}

/// A process with that contract around the body.
inline Process process(std::vector<std::string> inputs, std::vector<std::string> outputs, Body body,
                       Semantic semantic = Semantic::effect) {
  Process process{.name = "p", .inputs = std::move(inputs), .outputs = std::move(outputs), .semantic = semantic};
  process.body = std::move(body);
  return process;
}

/// The error of an execution that must fail and leave the state as it was.
inline Error refusal(ExecutionStage& stage, const Process& process) {
  const Value before = stage.everything();
  const Version version = stage.turn.version();
  const Outcome outcome = stage.execute(process);
  if (outcome || stage.everything() != before || stage.turn.version() != version)
    return Error{Errc::internal, "the test", "the execution changed the state, or succeeded"};
  return outcome.error();
}

}  // namespace theus::testing
