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
  armings_.fetch_add(1);
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

// `concluded` is called with change_ held, when those who remain armed are not concerned.
template <class Concerns, class Concluded>
void SignalWakers::wake_if(const Concerns& concerns, const Concluded& concluded) {
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
    concluded();
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

template <class Run>
void SignalWakers::wake(const Run& run, std::uint64_t end) {
  const std::uint64_t armings = armings_.load(dekker);
  const auto concerns_nobody = [&](std::uint32_t topic) {
    // Pairs with the release below: skip_at_ is as new as what is remembered.
    return unconcerned_[topic % remembered_max].load(std::memory_order_acquire) == remembered(topic, armings);
  };
  bool is_known = true;
  for (std::size_t i = 0; i < run.size() && is_known; ++i)
    is_known = concerns_nobody(run.topic(i));
  if (is_known && end <= skip_at_.load(std::memory_order_relaxed))
    return;
  std::uint64_t skip_at = nowhere;
  wake_if(
      [&](const Subscriber& subscriber) {
        bool wanted = end > subscriber.skips_at();
        for (std::size_t i = 0; i < run.size() && !wanted; ++i)
          wanted = subscriber.wants(run.topic(i));
        if (!wanted)
          skip_at = std::min(skip_at, subscriber.skips_at());
        return wanted;
      },
      [&] {
        skip_at_.store(skip_at, std::memory_order_relaxed);
        for (std::size_t i = 0; i < run.size(); ++i)
          unconcerned_[run.topic(i) % remembered_max].store(remembered(run.topic(i), armings_.load()),
                                                            std::memory_order_release);
      });
}

template void SignalWakers::wake(const RecordRun& run, std::uint64_t end);
template void SignalWakers::wake(const ByteRun& run, std::uint64_t end);
template void SignalWakers::wake(const CopiedRun& run, std::uint64_t end);

void SignalWakers::wake(const Subscriber& subscriber) {
  wake_if([&](const Subscriber& each) { return &each == &subscriber; }, [] {});
}

void SignalWakers::wake_all() {
  wake_if([](const Subscriber&) { return true; }, [] {});
}

}  // namespace theus
