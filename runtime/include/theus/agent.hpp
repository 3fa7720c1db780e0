#pragma once

#include <theus/process.hpp>

namespace theus {

/// An agent: an actor of its own with a contract, private state and a body that runs once per round.
///
/// In a round every agent reads the snapshot pinned at its start and writes only its own paths; all proposals become
/// one commit in agent order. So a round's result does not depend on threads or on who finishes first.
struct Agent {
  std::string name;
  std::vector<std::string> reads{};
  /// Two agents of one round that write the same path fail the round.
  std::vector<std::string> writes{};
  /// As Process::side_effects.
  std::vector<std::string> side_effects{};
  /// Initial private state; see Context::agent_state().
  Value state{};
  Body body{};
};

/// What a round did.
struct RoundReport {
  std::uint64_t agents = 0;  ///< that took part
  std::uint64_t writes = 0;  ///< paths changed
  std::uint64_t version = 0;
};

}  // namespace theus
