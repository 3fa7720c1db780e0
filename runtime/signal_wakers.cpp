#include "runtime/signal_wakers.hpp"

#include "runtime/signal_subscriber.hpp"

#include <algorithm>

namespace theus {

void SignalWakers::arm(const std::shared_ptr<Subscriber>& subscriber) {
  const std::lock_guard lock{change_};
  if (std::ranges::find(armed_, subscriber) != armed_.end())
    return;
  armed_.push_back(subscriber);
  armed_count_.fetch_add(1);
}

bool SignalWakers::disarm(const Subscriber& subscriber) noexcept {
  const std::lock_guard lock{change_};
  const auto found = std::ranges::find(armed_, &subscriber, &std::shared_ptr<Subscriber>::get);
  if (found == armed_.end())
    return false;
  armed_.erase(found);
  armed_count_.fetch_sub(1);
  return true;
}

void SignalWakers::remove(Subscriber& subscriber) noexcept {
  disarm(subscriber);
  std::unique_lock lock{change_};
  subscriber.waker_call_.again = false;
  called_.wait(lock, [&] {
    const std::thread::id calling = subscriber.waker_call_.thread;
    return calling == std::thread::id{} || calling == std::this_thread::get_id();
  });
}

template <class Concerns>
void SignalWakers::wake_if(const Concerns& concerns) {
  std::vector<std::shared_ptr<Subscriber>> called;
  {
    const std::lock_guard lock{change_};
    const auto woken =
        std::stable_partition(armed_.begin(), armed_.end(), [&](const auto& each) { return !concerns(*each); });
    armed_count_.fetch_sub(static_cast<std::uint32_t>(armed_.end() - woken));
    for (const auto& subscriber : std::ranges::subrange(woken, armed_.end())) {
      auto& call = subscriber->waker_call_;
      call.again = true;
      if (call.thread == std::thread::id{}) {
        call.thread = std::this_thread::get_id();
        called.push_back(subscriber);
      }
    }
    armed_.erase(woken, armed_.end());
  }
  for (const auto& subscriber : called)
    call(*subscriber);
}

// Calls the waker, again as long as it was meanwhile armed and woken by others.
void SignalWakers::call(Subscriber& subscriber) {
  std::unique_lock lock{change_};
  while (std::exchange(subscriber.waker_call_.again, false)) {
    lock.unlock();
    subscriber.waker_();
    lock.lock();
  }
  subscriber.waker_call_.thread = {};
  called_.notify_all();
}

void SignalWakers::wake(std::span<const SignalRecord> records) {
  wake_if([&](const Subscriber& subscriber) {
    return std::ranges::any_of(records,
                               [&](const SignalRecord& record) { return subscriber.may_want(record.head.topic); });
  });
}

void SignalWakers::wake_all() {
  wake_if([](const Subscriber&) { return true; });
}

}  // namespace theus
