#pragma once

#include <theus/process.hpp>
#include <theus/trigger.hpp>

namespace theus {

/// What makes an agent act on its own.
struct AgentTriggers {
  /// Names of signals: `*` stands for any characters within one segment, `**` for any at all.
  std::vector<std::string> signals{};
  /// Paths among what it may read, without wildcards: it acts when something at, above or below one has changed, also
  /// by its own doing.
  std::vector<std::string> changes{};
  /// 0: no ticks.
  std::chrono::milliseconds tick{0};
  /// It acts on each message.
  bool messages = false;

  bool any() const noexcept { return !signals.empty() || !changes.empty() || tick.count() > 0 || messages; }
};

/// How often something that fails goes on: `times` within `within`. Failing once more escalates to the group.
struct Restarts {
  std::size_t times = 5;
  std::chrono::seconds within{60};
};

/// An agent: an actor of its own with a contract, private state and a body.
///
/// Without triggers it takes part in rounds. Every agent of a round reads the snapshot pinned at its start and writes
/// only its own paths; all proposals become one commit in agent order. So a round's result does not depend on threads
/// or on who finishes first.
///
/// With triggers it acts on its own instead: its body runs once for each message and signal, and once for all ticks
/// and changes that came while it was busy. Each run commits by itself, and is repeated on a new snapshot after a
/// conflict. A run that fails changes nothing, is logged and not repeated, and counts as a failure of the agent; but
/// for `version_mismatch` and `overloaded`, where others were faster or too busy.
///
/// An agent that fails goes on from its private state as of the last commit, until it fails too often (`restarts`).
/// Then it is up to its group, see Engine::supervise(); without one, the agent is stopped.
struct Agent {
  std::string name;
  std::vector<std::string> reads{};
  /// Two agents of one round that write the same path fail the round.
  std::vector<std::string> writes{};
  /// As Process::side_effects.
  std::vector<std::string> side_effects{};
  AgentTriggers on{};
  /// Signals, and messages, that wait for it at most, at least 1. Further messages are refused with `overloaded`; of
  /// signals the oldest is dropped, and told as missed.
  std::size_t backlog_max = 1000;
  /// Of a run that conflicts, in all; from the third conflict on its paths are reserved.
  int attempts_max = 8;
  /// Whom its failures concern next: "market" or, below that, "market.traders". Empty: the engine itself.
  std::string group{};
  Restarts restarts{};
  /// Initial private state; see Context::agent_state().
  Value state{};
  Body body{};
};

/// An agent, as its supervision sees it.
struct AgentStatus {
  std::string name;
  std::string group;
  bool is_stopped = false;         ///< by escalation; it is listed until an agent of that name is spawned
  std::uint64_t runs = 0;          ///< that were committed, or had nothing to commit
  std::uint64_t failures = 0;      ///< runs that failed and deaths of its actor
  std::uint64_t restarts = 0;      ///< failures after which it went on; lost races and full backlogs do not count
  std::uint64_t conflicts = 0;     ///< runs that were repeated
  std::size_t waiting = 0;         ///< messages and signals
  std::uint64_t signals_lost = 0;  ///< dropped before it could take them
  std::string last_failure{};      ///< the text of its newest failure
};

/// Agents were given up after they had failed too often.
struct Escalation {
  std::string group;                 ///< whose agents were stopped; empty: one agent without a group
  std::vector<std::string> stopped;  ///< in order of spawning
  std::string cause;                 ///< the last failure, as a text
};

/// A process that steps agents in rounds of this engine: this one, or one that has joined.
struct RoundHost {
  int pid = 0;
  std::uint64_t agents = 0;      ///< that it can step
  std::uint64_t last_round = 0;  ///< steps that it took in the newest round
  std::uint64_t steps = 0;       ///< in all rounds, as long as it has been there
};

/// What a round did.
struct RoundReport {
  std::uint64_t agents = 0;  ///< that took part
  std::uint64_t writes = 0;  ///< paths changed
  std::uint64_t version = 0;
};

}  // namespace theus
