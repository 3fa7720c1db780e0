#pragma once

#include "runtime/commit_turn.hpp"
#include "runtime/overlay.hpp"
#include "tests/support/register_paths.hpp"

#include <map>

namespace theus::testing {

/// The state under test, for simulations and threads. Thread-safe.
class RecordedTurn {
public:
  explicit RecordedTurn(const History& shape) : registers_(shape) {}

  Observation observe(std::span<const PathId> paths) const;
  Answer swap(const History::Wish& wish);

  CommitTurn& turn() noexcept { return turn_; }
  const RegisterPaths& registers() const noexcept { return registers_; }

private:
  const RegisterPaths registers_;
  CommitTurn turn_;
};

/// As RecordedTurn, but every swap goes through an overlay on the snapshot of its base, as a transaction does: what is
/// validated is what the overlay says it read and wrote. One thread.
class RecordedOverlays {
public:
  explicit RecordedOverlays(const History& shape) : registers_(shape) { keep(turn_.snapshot()); }

  Observation observe(std::span<const PathId> paths);
  Answer swap(const History::Wish& wish);

private:
  void keep(const Snapshot& snapshot) { snapshots_.emplace(snapshot.version(), snapshot); }

  const RegisterPaths registers_;
  CommitTurn turn_;
  std::map<Version, Snapshot> snapshots_;
};

}  // namespace theus::testing
