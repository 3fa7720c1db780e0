#include "runtime/signal_wakers.hpp"

#include "runtime/signal_subscriber.hpp"

#include <algorithm>
#include <utility>

namespace theus {

void SignalWakers::arm(const std::shared_ptr<Subscriber>& subscriber) {
  const std::lock_guard lock{change_};
  WakerCall& call = subscriber->waker_call_;
  if (call.is_over || call.armed_at != WakerCall::not_armed)
    return;
  call.armed_at = armed_.size();
  armed_.push_back(subscriber);
  armed_count_.fetch_add(1);
}

bool SignalWakers::disarm(Subscriber& subscriber) noexcept {
  const std::lock_guard lock{change_};
  const std::size_t at = subscriber.waker_call_.armed_at;
  if (at == WakerCall::not_armed)
    return false;
  take(at);
  return true;
}

// Takes the subscriber at that place out of armed_. REQUIRES: change_ is held.
std::shared_ptr<Subscriber> SignalWakers::take(std::size_t at) noexcept {
  std::swap(armed_[at], armed_.back());
  armed_[at]->waker_call_.armed_at = at;
  auto taken = std::move(armed_.back());
  taken->waker_call_.armed_at = WakerCall::not_armed;
  armed_.pop_back();
  armed_count_.fetch_sub(1);
  return taken;
}

void SignalWakers::remove(Subscriber& subscriber) noexcept {
  disarm(subscriber);
  std::unique_lock lock{change_};
  subscriber.waker_call_.again = false;
  subscriber.waker_call_.is_over = true;
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
    for (std::size_t at = 0; at < armed_.size();) {
      if (!concerns(*armed_[at])) {
        ++at;
        continue;
      }
      auto subscriber = take(at);
      WakerCall& call = subscriber->waker_call_;
      call.again = true;
      if (call.thread != std::thread::id{})
        continue;  // whoever is calling it already will call it again
      call.thread = std::this_thread::get_id();
      called.push_back(std::move(subscriber));
    }
  }
  for (const auto& subscriber : called)
    call(*subscriber);
}

// Rings, again as long as it was meanwhile armed and woken by others.
void SignalWakers::call(Subscriber& subscriber) {
  std::unique_lock lock{change_};
  while (std::exchange(subscriber.waker_call_.again, false)) {
    lock.unlock();
    subscriber.doorbell().ring(subscriber);
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

void SignalWakers::wake(const Subscriber& subscriber) {
  wake_if([&](const Subscriber& each) { return &each == &subscriber; });
}

void SignalWakers::wake_all() {
  wake_if([](const Subscriber&) { return true; });
}

}  // namespace theus
