#include "runtime/signal_core.hpp"

#include "runtime/signal_subscriber.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace theus {
namespace {

constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

std::size_t memory_bytes(std::uint64_t capacity) noexcept {
  return SignalRing::bytes(capacity) + capacity * sizeof(SecondLine);
}

std::byte* map_zeroed(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    throw std::bad_alloc{};
  // A hint; without it a lap through a large ring misses the cache of page addresses once per few dozen events.
  if (bytes >= 2 * huge_page_bytes)
    ::madvise(memory, bytes, MADV_HUGEPAGE);
  return static_cast<std::byte*>(memory);
}

}  // namespace

void SignalCore::Unmap::operator()(std::byte* memory) const noexcept { ::munmap(memory, bytes); }

SignalCore::SignalCore(const SignalHubOptions& wanted)
    : options(wanted),
      topics(wanted.topics_max),
      memory_(map_zeroed(memory_bytes(wanted.capacity)), Unmap{memory_bytes(wanted.capacity)}),
      ring(SignalRing::create({memory_.get(), SignalRing::bytes(wanted.capacity)}, wanted.capacity)),
      second_lines(reinterpret_cast<SecondLine*>(memory_.get() + SignalRing::bytes(wanted.capacity))),
      large(fence),
      gate(fence, wanted.capacity),
      producers_(fence),
      alone_at_(ring.walk(0)) {}

SignalCore::~SignalCore() {
  for (auto at = ring.walk(ring.oldest()); at.place() < ring.tail() && large.any(); ring.go_on(at))
    if (LargeEvent* event = large_at(at))
      large.retire(event, at.place());
}

void SignalCore::close() {
  producers_.dissolve();
  ring.close();
  fence.light();
  sleepers.wake();
  wakers.wake_all();
  gate.open();
}

Status SignalCore::add(const std::shared_ptr<Subscriber>& subscriber) {
  {
    const std::lock_guard lock{registry_change_};
    if (registry_.size() >= options.subscribers_max)
      return Error{Errc::overloaded, "SignalHub", "there are " + std::to_string(registry_.size()) + " subscribers",
                   "Raise subscribers_max or unsubscribe some"}
          .with("limit", options.subscribers_max);
    registry_.push_back(subscriber);
  }
  large.add_reader(subscriber->hazard());
  if (subscriber->is_gated())
    gate.add(*subscriber, [&] {
      producers_.wait_outside();
      subscriber->start();
    });
  else
    subscriber->start();
  return {};
}

void SignalCore::close(Subscriber& subscriber) {
  subscriber.close();
  gate.remove(subscriber);
  fence.light();
  sleepers.wake();
  wakers.wake(subscriber);
}

void SignalCore::remove(Subscriber& subscriber) noexcept {
  wakers.remove(subscriber);
  gate.remove(subscriber);
  large.remove_reader(subscriber.hazard());
  const std::lock_guard lock{registry_change_};
  std::erase_if(registry_, [&](const auto& each) { return each.get() == &subscriber; });
}

SignalHubStatistics SignalCore::statistics() const {
  SignalHubStatistics statistics;
  statistics.published = ring.tail();
  statistics.refused = refused_;
  statistics.rate_limited = rate_limited_;
  statistics.evicted = gate.evicted();
  statistics.topics = topics.size();
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock{registry_change_};
  for (const auto& subscriber : registry_)
    statistics.subscribers.push_back(subscriber->statistics(now));
  return statistics;
}

SubscriberStatistics SignalCore::statistics_of(Subscriber& subscriber) const {
  const std::lock_guard lock{registry_change_};
  return subscriber.statistics(std::chrono::steady_clock::now());
}

}  // namespace theus
