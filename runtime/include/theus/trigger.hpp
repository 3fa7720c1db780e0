#pragma once

#include <theus/path.hpp>
#include <theus/value.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace theus {

/// A message to an agent, from another one or from outside.
struct AgentMessage {
  std::string sender;  ///< the name of the agent; empty: Engine::send()
  Value content;
};

/// Why a body runs; see Context::trigger(). Which members mean something depends on the kind.
struct Trigger {
  enum class Kind : std::uint8_t { call, round, tick, change, signal, message };

  Kind kind = Kind::call;
  /// tick: its number, from 1, one per interval since the spawning. signal: the event's sequence.
  std::uint64_t number = 0;
  /// tick: earlier ones that passed while the agent was busy. signal: earlier ones that it could not take in time.
  std::uint64_t missed = 0;
  /// signal: its name.
  std::string name{};
  /// signal: what it carries.
  Value payload{};
  /// change: those of AgentTriggers::changes at or below which something changed after version `since`.
  std::vector<Path> paths{};
  std::uint64_t since = 0;
  /// message: the one. round: those that came since the agent's last round, in order.
  std::vector<AgentMessage> messages{};
};

/// "call", "round", "tick", "change", "signal" or "message".
std::string_view to_string(Trigger::Kind kind) noexcept;

}  // namespace theus
