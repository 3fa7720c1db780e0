#pragma once

#include "runtime/commit_turn.hpp"
#include "runtime/overlay.hpp"
#include "tests/support/fake_turn.hpp"

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace theus::testing {

/// The registers of a history as paths of a state: 0 is "domain", below it "domain.p1" and so on.
class RegisterPaths {
public:
  explicit RegisterPaths(const History& shape);

  const Path& path(PathId id) const { return paths_[id]; }
  PathId id(const std::string& text) const { return ids_.at(text); }
  /// The paths present at and below the path.
  std::vector<Seen> seen(const Snapshot& snapshot, PathId id) const;
  std::vector<Path> paths(std::span<const PathId> ids) const;
  std::vector<Write> writes(std::span<const Change> changes) const;
  Answer answer(const Outcome& outcome) const;

private:
  void gather(const Value& value, PathId id, std::vector<Seen>& seen) const;

  std::vector<Path> paths_;
  std::vector<std::vector<PathId>> children_;
  std::unordered_map<std::string, PathId> ids_;
};

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
