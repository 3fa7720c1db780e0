#pragma once

#include <chrono>

namespace theus {

/// Where time comes from, so that tests can let it pass. Order never comes from a clock, and time-outs only from the
/// steady one: a jump of the wall clock changes nothing but the times in logs. Implementations are thread-safe.
class Clock {
public:
  virtual ~Clock() = default;
  virtual std::chrono::steady_clock::time_point now() const = 0;
  virtual std::chrono::system_clock::time_point wall() const = 0;
};

class SystemClock final : public Clock {
public:
  std::chrono::steady_clock::time_point now() const override { return std::chrono::steady_clock::now(); }
  std::chrono::system_clock::time_point wall() const override { return std::chrono::system_clock::now(); }
};

/// The machine's own clock.
inline const Clock& system_clock() noexcept {
  static const SystemClock clock;
  return clock;
}

}  // namespace theus
