#pragma once

#include "runtime/clock.hpp"

#include <memory>

namespace theus::testing {

/// A clock that stands still until the test moves it. Shared by copies.
class ManualClock final : public Clock {
public:
  explicit ManualClock(std::shared_ptr<std::chrono::nanoseconds> passed) : passed_(std::move(passed)) {}
  std::chrono::steady_clock::time_point now() const override {
    return std::chrono::steady_clock::time_point{*passed_ + std::chrono::hours{1}};
  }
  std::chrono::system_clock::time_point wall() const override { return std::chrono::system_clock::time_point{}; }

private:
  std::shared_ptr<std::chrono::nanoseconds> passed_;
};

}  // namespace theus::testing
