#pragma once

#include "runtime/commit_turn.hpp"

namespace theus {

/// Decides on proposals in place of a turn that only follows: the turn of another process. Thread-safe.
class CommitDecider {
public:
  virtual ~CommitDecider() = default;

  /// Waits for the outcome; a version that it tells can be read in the following turn. Errors besides those of a
  /// commit: owner_down when nobody decides, or when that is not known; stale_epoch; overloaded; too_large.
  virtual Outcome decide(const ProposalView& proposal) = 0;
  /// The same without waiting, for those that have no outcome yet: the batch is told when all of them have.
  virtual void decide(const std::shared_ptr<ProposalBatch>& batch) = 0;
  virtual Result<std::optional<RequestLog::Outcome>> request_outcome(const Request& request) = 0;

  /// Reserves there, without waiting for an answer: what comes later and names the id is decided on when it may start.
  /// Reservations::nobody when that cannot be asked.
  virtual Reservations::Id reserve(std::span<const Path> paths, std::chrono::nanoseconds lifetime) = 0;
  /// As those of Reservation. True also for one that is gone, with the connection or because there were too many.
  virtual bool may_start(Reservations::Id id) const = 0;
  virtual bool wait_to_start(Reservations::Id id, std::chrono::steady_clock::time_point deadline) = 0;
  virtual void extend(Reservations::Id id, std::span<const Path> paths) = 0;
  virtual void release(Reservations::Id id) = 0;
};

}  // namespace theus
