#pragma once

#include "actors/protocol.hpp"
#include "benchmarks/caf_peer.hpp"

#include <vector>

namespace theus::bench {

/// A state owner alone, and actors that commit through it as a process does: one message there, one back.
class ActorDoor {
public:
  explicit ActorDoor(std::size_t keys);

  /// Commits per second of one actor that sends the next transaction when the last is answered.
  double commits_per_second(std::uint64_t count);
  /// How long an actor waits for each of its commits, in nanoseconds, while threads of other clients commit.
  std::vector<double> latencies(std::uint64_t count);

  CommitTurn& turn() noexcept { return core_->turn; }

private:
  void run(std::uint64_t count, std::vector<double>* latencies);

  const std::vector<Path> paths_;  // all of them are written by each transaction
  CafConfig config_;
  caf::actor_system system_{config_};
  actors::CorePtr core_ = std::make_shared<actors::Core>(actors::Core::Terms{.log = [](const LogEntry&) {}});
  actors::StateOwner owner_ = actors::spawn_state_owner(system_, core_);
};

}  // namespace theus::bench
