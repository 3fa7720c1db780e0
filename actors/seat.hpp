#pragma once

#include "actors/agent_directory.hpp"

#include <atomic>
#include <chrono>

namespace theus::actors {

/// What remains of an agent that acts on its own when its actor dies, for the next one.
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

  std::atomic<std::uint64_t> completed{0};
  std::atomic<std::uint64_t> conflicts{0};
};
using SeatPtr = std::shared_ptr<Seat>;

}  // namespace theus::actors
