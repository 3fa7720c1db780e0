#include "runtime/watch_points.hpp"

#include <sys/eventfd.h>

#include <algorithm>

namespace theus {

void WatchPoint::wait_until(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock{mutex_};
  rung_changed_.wait_until(lock, deadline, [this] { return rung_; });
  rung_ = false;
}

void WatchPoint::ring_if_touched(std::span<const Write> writes) noexcept {
  if (armed_.load() && touched_by(writes) && armed_.exchange(false))
    ring();
}

void WatchPoint::close() noexcept {
  closed_.store(true);
  ring();
}

bool WatchPoint::touched_by(std::span<const Write> writes) const noexcept {
  return std::ranges::any_of(paths_, [&](const Path& path) {
    return std::ranges::any_of(writes,
                               [&](const Write& write) { return path.covers(write.path) || write.path.covers(path); });
  });
}

void WatchPoint::ring() noexcept {
  {
    const std::lock_guard lock{mutex_};
    rung_ = true;
  }
  rung_changed_.notify_one();
  if (event_fd_ >= 0)
    ::eventfd_write(event_fd_, 1);
}

Status WatchPoints::add(std::shared_ptr<WatchPoint> point) {
  if (points_.size() == points_max)
    return Error{Errc::resource_exhausted, "watch", "all " + std::to_string(points_max) + " watches are in use",
                 "Destroy watches that nobody waits on, or watch a common parent"}
        .with("limit", points_max);
  points_.push_back(std::move(point));
  return {};
}

void WatchPoints::remove(const WatchPoint& point) noexcept {
  std::erase_if(points_, [&](const auto& each) { return each.get() == &point; });
}

void WatchPoints::close() noexcept {
  for (const auto& point : points_)
    point->close();
}

}  // namespace theus
