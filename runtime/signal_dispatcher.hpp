#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace theus {

/// One thread that runs jobs in order, for asynchronous receives without an executor of their own. The thread starts
/// with the first job; the end of the dispatcher waits for the jobs given, unless it comes from one of them.
class SignalDispatcher {
public:
  SignalDispatcher() = default;
  ~SignalDispatcher();
  SignalDispatcher(const SignalDispatcher&) = delete;
  SignalDispatcher& operator=(const SignalDispatcher&) = delete;

  /// Thread-safe. Jobs must not throw.
  void run(std::function<void()> job);

private:
  // Owned by the thread too, which may outlive a dispatcher that one of its jobs has ended.
  struct Queue {
    std::mutex change;
    std::condition_variable changed;
    std::deque<std::function<void()>> jobs;
    bool is_ending = false;
  };

  static void work(Queue& queue);

  std::mutex start_;  // guards what follows
  std::shared_ptr<Queue> queue_;
  std::thread thread_;
};

}  // namespace theus
