#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace theus::actors {

/// Threads for bodies that wait or compute for long. A thread is started when none is idle, up to a limit, and ends
/// after ten idle seconds; further jobs wait for one, in order. How many may wait is bounded by the engine's admission.
/// Thread-safe.
class BlockingPool {
public:
  struct Load {
    std::size_t threads = 0;
    std::size_t waiting = 0;
  };

  explicit BlockingPool(std::size_t threads_max);
  /// Ends the idle threads. One that is still in a job is left behind, and ends with it; jobs that wait are dropped.
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// `job` must not throw. Throws std::system_error when there is no thread for it and none can be started.
  void run(std::function<void()> job);
  Load load() const;

private:
  struct Shared;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace theus::actors
