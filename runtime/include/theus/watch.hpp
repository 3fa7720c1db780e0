#pragma once

#include <theus/snapshot.hpp>

#include <chrono>
#include <memory>
#include <vector>

namespace theus {

class CommitTurn;
class WatchPoint;

/// What happened to the watched paths in the versions after `since`, up to and including `version`.
struct Change {
  Version since = 0;
  Version version = 0;
  std::vector<Path> paths;  ///< the watched ones at or below which something changed
  Snapshot snapshot;        ///< the state at `version`
};

/// Tells of changes of some paths. Each version that changed one of them lies in exactly one of the ranges it gives, so
/// none is missed; several that came while nobody looked are told as one, and in a burst of them they are gathered for
/// a tenth of a millisecond. Costs commits of other paths a comparison. Belongs to one thread at a time. May outlive
/// its Engine, and answers `closed` from then on.
class Watch {
public:
  Watch(Watch&&) noexcept;
  Watch& operator=(Watch&&) noexcept;
  ~Watch();

  /// The version up to which everything has been told.
  Version since() const noexcept { return since_; }

  /// Waits for the next change, without using the processor. Errors: timeout; closed, once the engine was shut down and
  /// everything has been told.
  Result<Change> next(std::chrono::nanoseconds timeout);
  /// The next change if there is one already; otherwise `timeout`, or `closed`.
  Result<Change> try_next() { return next(std::chrono::nanoseconds{0}); }

private:
  friend class Engine;
  static Result<Watch> start(std::shared_ptr<CommitTurn> turn, std::vector<Path> paths, Version since);
  Watch(std::shared_ptr<CommitTurn> turn, std::shared_ptr<WatchPoint> point, Version since) noexcept;

  std::optional<Change> look();
  void rest(std::chrono::steady_clock::time_point deadline) const;
  void stop() noexcept;

  std::shared_ptr<CommitTurn> turn_;  // nullptr after a move
  std::shared_ptr<WatchPoint> point_;
  Version since_;
  Version told_ = 0;  // how many versions were told of last
};

}  // namespace theus
