#include "actors/blocking_pool.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace theus::actors {

struct BlockingPool::Shared {
  static constexpr std::chrono::seconds idle_max{10};

  const std::size_t threads_max;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> jobs;  // guarded by mutex, as what follows
  std::size_t threads = 0;
  std::size_t idle = 0;
  bool is_ending = false;

  explicit Shared(std::size_t max) : threads_max(std::max<std::size_t>(max, 1)) {}

  /// The next job, or nothing when the thread is to end.
  std::function<void()> next() {
    std::unique_lock lock{mutex};
    ++idle;
    changed.wait_for(lock, idle_max, [this] { return is_ending || !jobs.empty(); });
    --idle;
    if (!is_ending && !jobs.empty()) {
      auto job = std::move(jobs.front());
      jobs.pop_front();
      return job;
    }
    --threads;
    changed.notify_all();
    return nullptr;
  }
};

BlockingPool::BlockingPool(std::size_t threads_max) : shared_(std::make_shared<Shared>(threads_max)) {}

BlockingPool::~BlockingPool() {
  std::deque<std::function<void()>> dropped;  // after the lock is released
  std::unique_lock lock{shared_->mutex};
  shared_->is_ending = true;
  dropped.swap(shared_->jobs);
  shared_->changed.notify_all();
  shared_->changed.wait(lock, [this] { return shared_->idle == 0; });
}

void BlockingPool::run(std::function<void()> job) {
  const std::lock_guard lock{shared_->mutex};
  if (shared_->idle <= shared_->jobs.size() && shared_->threads < shared_->threads_max) {
    std::thread{[shared = shared_] {
      while (auto next = shared->next())
        std::exchange(next, nullptr)();
    }}.detach();
    ++shared_->threads;
  }
  shared_->jobs.push_back(std::move(job));
  shared_->changed.notify_one();
}

BlockingPool::Load BlockingPool::load() const {
  const std::lock_guard lock{shared_->mutex};
  return {shared_->threads, shared_->jobs.size()};
}

}  // namespace theus::actors
