#include <theus/watch.hpp>

#include "runtime/commit_turn.hpp"

#include <thread>
#include <utility>

namespace theus {
namespace {

using Steady = std::chrono::steady_clock;

// A time-out so long that now + timeout would overflow is as good as a year.
Steady::time_point deadline_after(std::chrono::nanoseconds timeout) noexcept {
  constexpr std::chrono::nanoseconds longest = std::chrono::hours{24 * 365};
  return Steady::now() + std::min(timeout, longest);
}

}  // namespace

Result<Watch> Watch::start(std::shared_ptr<CommitTurn> turn, std::vector<Path> paths, Version since) {
  if (paths.empty())
    return Error{Errc::bad_argument, "watch", "no path was given", "Name what to watch; \"\" is the whole state"};
  if (const Version newest = turn->version(); since > newest)
    return Error{Errc::bad_argument, "watch",
                 "version " + std::to_string(since) + " does not exist yet; the newest is " + std::to_string(newest),
                 "Take the version from a snapshot"};
  auto point = std::make_shared<WatchPoint>(std::move(paths));
  if (auto added = turn->add_watch(point); !added)
    return added.error();
  return Watch{std::move(turn), std::move(point), since};
}

Watch::Watch(std::shared_ptr<CommitTurn> turn, std::shared_ptr<WatchPoint> point, Version since) noexcept
    : turn_(std::move(turn)), point_(std::move(point)), since_(since) {}

Watch::Watch(Watch&& other) noexcept
    : turn_(std::exchange(other.turn_, nullptr)),
      point_(std::move(other.point_)),
      since_(other.since_),
      told_(other.told_) {}

Watch& Watch::operator=(Watch&& other) noexcept {
  stop();
  turn_ = std::exchange(other.turn_, nullptr);
  point_ = std::move(other.point_);
  since_ = other.since_;
  told_ = other.told_;
  return *this;
}

Watch::~Watch() { stop(); }

void Watch::stop() noexcept {
  if (turn_ != nullptr)
    turn_->remove_watch(*point_);
}

std::optional<Change> Watch::look() {
  if (turn_->version() == since_)
    return std::nullopt;
  Snapshot now = turn_->snapshot();
  std::vector<Path> changed;
  for (const Path& path : point_->paths())
    if (now.last_change(path) > since_)
      changed.push_back(path);
  const Version before = std::exchange(since_, now.version());
  told_ = since_ - before;
  if (changed.empty())
    return std::nullopt;
  return Change{before, since_, std::move(changed), std::move(now)};
}

/// Waking somebody costs a commit more than the commit itself. So a watcher who lately was told of a burst lets some
/// more of it come before it asks to be woken again; a change that comes alone is told at once.
void Watch::rest(Steady::time_point deadline) const {
  constexpr Version burst = 16;
  constexpr std::chrono::microseconds rest_after_burst{100};
  if (told_ >= burst && !point_->is_closed())
    std::this_thread::sleep_until(std::min(deadline, Steady::now() + rest_after_burst));
}

Result<Change> Watch::next(std::chrono::nanoseconds timeout) {
  const auto deadline = deadline_after(timeout);
  rest(deadline);
  while (true) {
    // Asked before the look: what was committed before the end is told first.
    const bool closed = point_->is_closed();
    point_->arm();
    if (auto change = look()) {
      point_->disarm();
      return *std::move(change);
    }
    if (closed)
      return Error{Errc::closed, "watch", "the engine was shut down", "Create another engine"};
    if (timeout.count() <= 0 || Steady::now() >= deadline) {
      point_->disarm();
      return Error{Errc::timeout, "watch", "nothing watched changed after version " + std::to_string(since_)};
    }
    point_->wait_until(deadline);
  }
}

}  // namespace theus
