#pragma once

#include "runtime/commit.hpp"

#include <theus/snapshot.hpp>

#include <mutex>

namespace theus {

/// Told of every commit, inside the turn and in version order: must neither block nor throw nor call back.
class CommitListener {
public:
  virtual ~CommitListener() = default;
  virtual void committed(Version version, std::span<const Signal> signals) noexcept = 0;
};

/// The outcome of a proposal: the version that holds it, or why it was refused.
using Outcome = Result<Version>;

/// The one object that owns the state. Threads and the state owner's actor enter it alike, for one bounded batch:
/// no user code, no I/O and no wait happens inside, so holding the lock is short.
///
/// Invariants: versions are dense (each commit is head + 1); what is published only moves forward; a listener hears of
/// a version after it can be read. Thread-safe.
class CommitTurn {
public:
  static constexpr std::size_t batch_max = 1024;

  /// The listener, if any, must outlive the turn.
  explicit CommitTurn(CommitListener* listener = nullptr);
  ~CommitTurn();
  CommitTurn(const CommitTurn&) = delete;
  CommitTurn& operator=(const CommitTurn&) = delete;

  Outcome commit(const ProposalView& proposal);

  /// Commits the proposals in order, each one on its own, under one turn. REQUIRES: both spans of one size.
  void commit(std::span<const ProposalView> proposals, std::span<Outcome> outcomes);

  /// Pins the published state; throws OverloadError when SnapshotPins::pins_max snapshots are held.
  Snapshot snapshot() const;
  Version version() const noexcept { return version_.load(std::memory_order_acquire); }

  /// Bytes of the state's nodes, and how many of them are kept for old snapshots only.
  struct Memory {
    std::size_t node_bytes;
    std::size_t retired_nodes;
  };
  Memory memory() const;

private:
  Outcome commit_one(const ProposalView& proposal);

  StateMemory* const memory_;       // constant; lives on while snapshots do
  CommitListener* const listener_;  // constant
  const Error out_of_memory_;       // made beforehand, when there still is memory for its text
  mutable std::mutex turn_;
  const Root* head_;                 // guarded by turn_
  std::atomic<Version> version_{0};  // of the published root; written under turn_
};

}  // namespace theus
