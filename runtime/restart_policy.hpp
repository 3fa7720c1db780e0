#pragma once

#include <chrono>
#include <cstddef>
#include <deque>

namespace theus {

/// How often something that dies is started again: `restarts_max` times within `window`, then no more (the restart
/// intensity of OTP supervisors).
class RestartPolicy {
public:
  explicit RestartPolicy(std::size_t restarts_max = 5, std::chrono::seconds window = std::chrono::seconds{60})
      : restarts_max_(restarts_max), window_(window) {}

  enum class Decision : std::uint8_t { restart, escalate };

  Decision died(std::chrono::steady_clock::time_point now) {
    while (!deaths_.empty() && now - deaths_.front() > window_)
      deaths_.pop_front();
    if (deaths_.size() >= restarts_max_)
      return Decision::escalate;
    deaths_.push_back(now);
    return Decision::restart;
  }
  /// Starts anew.
  void forget() noexcept { deaths_.clear(); }

private:
  std::size_t restarts_max_;
  std::chrono::seconds window_;
  std::deque<std::chrono::steady_clock::time_point> deaths_;
};

}  // namespace theus
