#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <algorithm>
#include <random>

namespace theus::testing {

/// An actor system in which nothing runs until the test says so, and in the order of a seed.
class DeterministicSystem {
public:
  explicit DeterministicSystem(std::uint64_t seed = 0) : random_(seed), shuffles_(seed != 0) {}

  caf::actor_system& system() { return system_; }

  /// Runs until no actor has anything to do. With a seed other than 0 the order of actors is drawn from it.
  void settle() {
    while (step()) {
    }
  }

  /// Lets one actor take one message; false when none has anything to do.
  bool step() {
    auto& scheduler = dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
    if (!scheduler.has_job())
      return false;
    if (shuffles_) {
      const auto turn = static_cast<std::ptrdiff_t>(random_() % scheduler.jobs.size());
      std::rotate(scheduler.jobs.begin(), scheduler.jobs.begin() + turn, scheduler.jobs.end());
    }
    scheduler.run_once();
    return true;
  }

  /// Lets virtual time pass, so that delayed messages arrive, and settles.
  void advance(std::chrono::nanoseconds time) {
    dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler()).advance_time(time);
    settle();
  }

private:
  struct Config : caf::actor_system_config {
    Config() { set("scheduler.policy", caf::atom("testing")); }
  };

  std::mt19937_64 random_;
  bool shuffles_;
  Config config_;
  caf::actor_system system_{config_};
};

}  // namespace theus::testing
