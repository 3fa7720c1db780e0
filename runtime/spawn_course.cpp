#include "runtime/spawn_course.hpp"

#include <algorithm>

namespace theus {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds pause_least{10};
constexpr std::size_t doublings_max = 16;

milliseconds pause_after(std::size_t ends, milliseconds most) {
  return std::min(most, pause_least * (1 << std::min(ends - 1, doublings_max)));
}

}  // namespace

std::string_view to_string(SpawnedStatus::State state) noexcept {
  switch (state) {
    case SpawnedStatus::State::starting: return "starting";
    case SpawnedStatus::State::running: return "running";
    case SpawnedStatus::State::waiting: return "waiting";
    case SpawnedStatus::State::gave_up: return "gave_up";
    case SpawnedStatus::State::stopped: return "stopped";
  }
  return "unknown";
}

SpawnCourse::SpawnCourse(std::string name, SpawnOptions options) : options_(std::move(options)) {
  status_.name = std::move(name);
  status_.state = SpawnedStatus::State::waiting;
}

bool SpawnCourse::wants_start(Time now) const noexcept {
  return status_.state == SpawnedStatus::State::waiting && now >= start_at_;
}

bool SpawnCourse::is_overdue(Time now) const noexcept {
  return status_.state == SpawnedStatus::State::starting && now >= start_at_ + options_.start_timeout;
}

SpawnCourse::Time SpawnCourse::look_at() const noexcept {
  switch (status_.state) {
    case SpawnedStatus::State::waiting: return start_at_;
    case SpawnedStatus::State::starting: return start_at_ + options_.start_timeout;
    default: return Time::max();
  }
}

void SpawnCourse::started(int pid, Time now) {
  status_.state = SpawnedStatus::State::starting;
  status_.pid = pid;
  status_.restarts = starts_++;
  start_at_ = now;
}

void SpawnCourse::ready(std::uint64_t agents) {
  if (status_.state != SpawnedStatus::State::starting)
    return;
  status_.state = SpawnedStatus::State::running;
  status_.agents = agents;
  has_run_ = true;
}

void SpawnCourse::ended(const std::string& how, std::optional<Error> said, Time now) {
  status_.last_end = how;
  status_.pid = 0;
  status_.agents = 0;
  ends_.push_back(now);
  while (now - ends_.front() > options_.restarts.within)
    ends_.pop_front();
  if (has_run_ && ends_.size() <= options_.restarts.times) {
    status_.state = SpawnedStatus::State::waiting;
    start_at_ = now + pause_after(ends_.size(), options_.pause_max);
    return;
  }
  status_.state = SpawnedStatus::State::gave_up;
  status_.fault = fault(std::move(said));
}

void SpawnCourse::stopped() {
  if (status_.state == SpawnedStatus::State::gave_up)
    return;
  status_.state = SpawnedStatus::State::stopped;
  status_.pid = 0;
  status_.agents = 0;
}

Error SpawnCourse::fault(std::optional<Error> said) const {
  if (said)
    return *std::move(said);
  const std::string where = "process '" + status_.name + "'";
  if (!has_run_)
    return Error{Errc::worker_died, where, "it ended before it was ready: " + status_.last_end,
                 "Look at its standard error above; does the program call serve_if_spawned() first?"};
  return Error{Errc::worker_died, where,
               "it has ended " + std::to_string(ends_.size()) + " times within " +
                   std::to_string(options_.restarts.within.count()) + " s and was given up, the last time with " +
                   status_.last_end,
               "Look at its standard error above, or raise SpawnOptions::restarts"}
      .with("ends", ends_.size());
}

}  // namespace theus
