#pragma once

#include <theus/spawn.hpp>

#include <deque>

namespace theus {

/// The course of one process that is kept alive, as a rule: what happens to it and the time go in, what is to be done
/// comes out.
///
///   starting -> running -> waiting -> starting ...     from everywhere -> stopped
///       +----------+-> gave_up: it has never run, or has ended too often
class SpawnCourse {
public:
  using Time = std::chrono::steady_clock::time_point;

  SpawnCourse(std::string name, SpawnOptions options);

  const SpawnOptions& options() const noexcept { return options_; }
  const SpawnedStatus& status() const noexcept { return status_; }

  /// Whether it is to be started now, and whether the one that starts takes too long and is to be killed.
  bool wants_start(Time now) const noexcept;
  bool is_overdue(Time now) const noexcept;
  /// When to ask again, if nothing happens before; Time::max(): not at all.
  Time look_at() const noexcept;

  void started(int pid, Time now);
  void ready(std::uint64_t agents);
  /// It has ended, or could not be started; `said`: what it refused with itself.
  void ended(const std::string& how, std::optional<Error> said, Time now);
  void stopped();

private:
  Error fault(std::optional<Error> said) const;

  const SpawnOptions options_;
  SpawnedStatus status_;
  bool has_run_ = false;
  std::uint64_t starts_ = 0;
  Time start_at_{};        // of the next one, or of the one that starts
  std::deque<Time> ends_;  // within the span that counts
};

}  // namespace theus
