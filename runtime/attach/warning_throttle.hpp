#pragma once

#include <theus/result.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace theus {

/// What others bring about as often as they like is logged a few times at once, and then once per interval, with the
/// number of those that were left out. A rule; belongs to one thread.
class WarningThrottle {
public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::milliseconds interval{1000};
  static constexpr int at_once_max = 8;

  explicit WarningThrottle(Time now) noexcept : counted_(now) {}

  /// What is to be logged now, if anything.
  std::optional<Error> add(Error warning, Time now);
  /// The newest of those that were left out, when its time has come.
  std::optional<Error> look(Time now);
  /// The same, whatever the time.
  std::optional<Error> last();
  /// When to look again.
  Time look_at() const noexcept { return waiting_ ? counted_ + interval : Time::max(); }

private:
  int allowed_ = at_once_max;
  Time counted_;  // when `allowed_` was last made larger
  std::optional<Error> waiting_;
  std::uint64_t left_out_ = 0;  // before it
};

}  // namespace theus
