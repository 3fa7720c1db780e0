#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

namespace theus::actors {

/// Where a thread waits for the one answer of an actor.
template <class T>
class Waiter {
public:
  void put(T answer) {
    const std::lock_guard lock{mutex_};
    answer_ = std::move(answer);
    arrived_.notify_all();
  }

  /// Whether the answer has come by then.
  bool wait_until(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock{mutex_};
    return arrived_.wait_until(lock, deadline, [this] { return answer_.has_value(); });
  }

  /// REQUIRES: the answer has come.
  T take() {
    const std::lock_guard lock{mutex_};
    return *std::move(answer_);
  }

private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::optional<T> answer_;
};

}  // namespace theus::actors
