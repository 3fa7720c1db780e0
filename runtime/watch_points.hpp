#pragma once

// Who waits for changes of which paths, without a change ever being missed.
//
// Invariants: (1) A waiter arms its point BEFORE its last look at the version; the turn looks at `armed` AFTER it
// published one. Both are sequentially consistent, so one of them sees the other. (2) A point is rung at most once per
// arming: a commit costs a system call only when somebody sleeps on a path that it touches. (3) A ring may come
// without a change (a write that altered nothing); whoever wakes looks.

#include <theus/write.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace theus {

/// Where one waiter waits. Thread-safe between the waiter and the turn.
class WatchPoint {
public:
  /// With an eventfd, that is written to as well, for a waiter that waits for other things too. It must stay open as
  /// long as the point is among those of a turn.
  explicit WatchPoint(std::vector<Path> paths, int event_fd = -1) : paths_(std::move(paths)), event_fd_(event_fd) {}

  const std::vector<Path>& paths() const noexcept { return paths_; }

  void arm() noexcept { armed_.store(true); }
  void disarm() noexcept { armed_.store(false); }
  /// Sleeps until it is rung or closed, at most until then.
  void wait_until(std::chrono::steady_clock::time_point deadline);
  bool is_closed() const noexcept { return closed_.load(); }

  /// Rings when it is armed and one of the writes stands at, above or below one of its paths.
  void ring_if_touched(std::span<const Write> writes) noexcept;
  void close() noexcept;

private:
  bool touched_by(std::span<const Write> writes) const noexcept;
  void ring() noexcept;

  const std::vector<Path> paths_;
  const int event_fd_;  // -1: none
  std::atomic<bool> armed_{false};
  std::atomic<bool> closed_{false};
  std::mutex mutex_;
  std::condition_variable rung_changed_;
  bool rung_ = false;  // guarded by mutex_
};

/// All points of one engine. Belongs to the holder of the commit turn.
class WatchPoints {
public:
  static constexpr std::size_t points_max = 1024;

  /// Refuses (resource_exhausted) more than points_max.
  Status add(std::shared_ptr<WatchPoint> point);
  void remove(const WatchPoint& point) noexcept;
  void committed(std::span<const Write> writes) noexcept {
    for (const auto& point : points_)
      point->ring_if_touched(writes);
  }
  void close() noexcept;

private:
  std::vector<std::shared_ptr<WatchPoint>> points_;
};

}  // namespace theus
