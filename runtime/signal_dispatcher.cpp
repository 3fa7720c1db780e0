#include "runtime/signal_dispatcher.hpp"

namespace theus {

SignalDispatcher::~SignalDispatcher() {
  if (!queue_)
    return;
  {
    const std::lock_guard lock{queue_->change};
    queue_->is_ending = true;
  }
  queue_->changed.notify_one();
  if (thread_.get_id() == std::this_thread::get_id())
    thread_.detach();
  else
    thread_.join();
}

void SignalDispatcher::run(std::function<void()> job) {
  const std::lock_guard start{start_};
  if (!queue_) {
    queue_ = std::make_shared<Queue>();
    thread_ = std::thread{[queue = queue_] { work(*queue); }};
  }
  {
    const std::lock_guard lock{queue_->change};
    queue_->jobs.push_back(std::move(job));
  }
  queue_->changed.notify_one();
}

void SignalDispatcher::work(Queue& queue) {
  std::unique_lock lock{queue.change};
  while (true) {
    queue.changed.wait(lock, [&] { return !queue.jobs.empty() || queue.is_ending; });
    if (queue.jobs.empty())
      return;
    auto job = std::move(queue.jobs.front());
    queue.jobs.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it held may end the dispatcher, which takes the lock
    lock.lock();
  }
}

}  // namespace theus
