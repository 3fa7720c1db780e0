#pragma once

#include "runtime/restart_policy.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace theus {

/// Decides what follows from the failures of agents. The tree: agents stand in groups, "a.b" in the group "a". Failing
/// too often in one place is one failure of the place above; beyond the last group nobody is left to try again.
/// Belongs to one thread.
class SupervisionTree {
public:
  using Agent = std::uint64_t;
  using Time = std::chrono::steady_clock::time_point;

  struct Terms {
    std::size_t times;
    std::chrono::seconds within;
  };

  struct Verdict {
    enum class Kind : std::uint8_t { restart_agent, restart_group, stop_agent, stop_group };

    Kind kind = Kind::restart_agent;
    std::string group{};  ///< for the two that concern one
  };

  /// Of a group that has none: those of `default_group_terms`.
  void set_terms(std::string_view group, Terms terms);
  Verdict failed(Agent agent, Terms terms, std::string_view group, Time now);
  void forget(Agent agent) { agents_.erase(agent); }

  /// Whether the group is `other` or one above it.
  static bool includes(std::string_view group, std::string_view other) noexcept;

  static constexpr Terms default_group_terms{3, std::chrono::seconds{60}};

private:
  std::unordered_map<Agent, RestartPolicy> agents_;           // only those that failed
  std::map<std::string, RestartPolicy, std::less<>> groups_;  // those with terms, or with failures
};

}  // namespace theus
