#pragma once

#include <theus/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace theus {

/// What the state costs, and what is kept for snapshots of versions that have been replaced. Bytes of values are an
/// estimate: what several share counts for each.
struct StateStatistics {
  Version version = 0;
  std::size_t node_bytes = 0;               ///< of the tree, retained nodes included, values not
  std::size_t retained_bytes = 0;           ///< kept for old snapshots only
  std::size_t retained_versions = 0;        ///< old versions that somebody holds
  Version oldest_version = 0;               ///< of them; 0 when there is none
  std::chrono::milliseconds oldest_age{0};  ///< since it was first found replaced
};

/// How long something took; each quantile is at most 1/16 more than measured.
struct LatencySummary {
  std::uint64_t count = 0;
  std::chrono::nanoseconds p50{0};
  std::chrono::nanoseconds p90{0};
  std::chrono::nanoseconds p99{0};
  std::chrono::nanoseconds max{0};
};

/// Of the calls of one process that were answered, those of workflow steps included.
struct ProcessStatistics {
  std::string process;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;     ///< answered with an error, those below included
  std::uint64_t expired = 0;    ///< with `deadline`
  std::uint64_t cancelled = 0;  ///< with `cancelled`
  std::uint64_t conflicts = 0;  ///< commits that met another, after which the body ran again or gave up
  int running = 0;              ///< calls that are under way, those that have expired and do not end among them
  LatencySummary latency;       ///< from the call to its answer
};

/// Of all agents together; Engine::agent_status() tells of each.
struct AgentStatistics {
  std::size_t living = 0;
  std::uint64_t failures = 0;  ///< runs that failed and deaths of actors, of agents that are gone too
  std::uint64_t restarts = 0;  ///< failures after which the agent went on
  std::uint64_t stopped = 0;   ///< by escalation
  std::size_t waiting = 0;     ///< messages and signals that wait for living agents
};

/// How often commits of any kind were refused because this path had changed.
struct PathConflicts {
  std::string path;  ///< "" is the state as a whole; "*" all paths beyond those that are counted one by one
  std::uint64_t count = 0;
};

/// What an engine has done so far. Counters are read one after the other, while they go on counting.
struct EngineStatistics {
  std::size_t in_flight = 0;              ///< executions and workflows that have been admitted and are not over
  std::uint64_t overloaded = 0;           ///< that were refused because too many were
  std::size_t blocking_threads = 0;       ///< that exist
  std::size_t blocking_waiting = 0;       ///< bodies that wait for one
  std::uint64_t unexpected_messages = 0;  ///< that an actor got and does not know
  AgentStatistics agents;
  std::vector<ProcessStatistics> processes;  ///< by name
  std::vector<PathConflicts> conflicts;      ///< most frequent first
};

}  // namespace theus
