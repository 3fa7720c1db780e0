#pragma once

#include "actors/call.hpp"

#include <theus/agent.hpp>

#include <vector>

namespace theus::actors {

/// An agent as the population knows it. Immutable.
struct AgentDefinition {
  std::shared_ptr<const Contract> contract;
  Body body;
  Value initial_state;
};
using AgentDefinitionPtr = std::shared_ptr<const AgentDefinition>;

/// A round somebody waits for. Thread-safe; whoever is first, the round's end or its deadline, answers.
class RoundRequest {
public:
  using Answer = std::function<void(Result<RoundReport>)>;

  RoundRequest(std::string pattern, Deadline deadline, Answer answer)
      : pattern_(std::move(pattern)), deadline_(deadline), answer_(std::move(answer)) {}

  const std::string& pattern() const noexcept { return pattern_; }
  Deadline deadline() const noexcept { return deadline_; }

  /// From now on the deadline does not count. False when it has passed.
  bool begin_commit() noexcept { return !ended_.exchange(true); }
  void finish(Result<RoundReport> result) { answer_(std::move(result)); }
  bool expire();

private:
  const std::string pattern_;
  const Deadline deadline_;
  const Answer answer_;
  std::atomic<bool> ended_{false};
};
using RoundRequestPtr = std::shared_ptr<RoundRequest>;

/// One run of a round: a slot for each agent, filled by the agents in any order and read when the last is done.
class Round {
public:
  struct Slot {
    AgentDefinitionPtr agent;
    Value state;
    std::optional<Result<ExecutionResult>> result;
    std::atomic<bool> is_done{false};
  };

  Round(Snapshot start, std::size_t agents, std::function<void()> then)
      : snapshot(std::move(start)), slots(agents), all_done(std::move(then)), left_(agents) {}

  const Snapshot snapshot;
  std::vector<Slot> slots;
  /// For whoever fills the last slot to call.
  const std::function<void()> all_done;

  /// Leaves the result in a slot that has none; whether it was the last one missing.
  bool fill(std::size_t index, Result<ExecutionResult> result);

private:
  std::atomic<std::size_t> left_;
};
using RoundPtr = std::shared_ptr<Round>;

}  // namespace theus::actors
