#pragma once

#include "actors/agent_directory.hpp"
#include "runtime/commit_turn.hpp"

#include <atomic>
#include <chrono>

namespace theus::actors {

/// A run of an agent that acts on its own, from what it acts on to what follows from its commit.
struct AgentRun {
  Trigger trigger;
  int attempt = 0;
  std::chrono::system_clock::time_point time{};  // that the body was told

  // Of the attempt whose commit was asked for. nullptr: it is to run, or to run again.
  std::shared_ptr<const Proposal> proposal{};
  std::shared_ptr<std::optional<Outcome>> noted{};  // by the state owner
  Value next_state{};
  std::optional<Postage> postage{};
};

/// What remains of an agent that acts on its own when its actor dies, for the next one: so a run is finished by whoever
/// is there, and its writes, private state and messages come together or not at all.
struct Seat {
  AgentDirectory::Id id = 0;
  AgentDefinitionPtr definition;
  InboxPtr inbox;
  /// Of the spawning: ticks count from then.
  std::chrono::steady_clock::time_point since;

  Value state;             // private, as of the last commit; belongs to the actor
  std::uint64_t runs = 0;  // begun; belongs to the actor
  /// The journal implies the private state, as that after the last run that left a record. Belongs to the actor.
  bool is_state_told = false;
  std::optional<AgentRun> run;  // under way; belongs to the actor

  std::atomic<std::uint64_t> completed{0};
  std::atomic<std::uint64_t> conflicts{0};
};
using SeatPtr = std::shared_ptr<Seat>;

}  // namespace theus::actors
