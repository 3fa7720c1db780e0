#include "runtime/signal_core.hpp"

#include "runtime/signal_subscriber.hpp"

#include <algorithm>

namespace theus {
namespace {

constexpr std::size_t capacity_max = std::size_t{1} << 24;
constexpr std::size_t topics_limit = std::size_t{1} << 20;

void require(bool in_range, std::string_view option, std::size_t value, std::size_t maximum) {
  if (!in_range)
    raise(Error{Errc::bad_argument, "SignalHub",
                std::string{option} + " is " + std::to_string(value) + ", expected 1 to " + std::to_string(maximum)});
}

SignalHubOptions checked(const SignalHubOptions& options) {
  const auto within = [](std::size_t value, std::size_t maximum) { return value >= 1 && value <= maximum; };
  require(within(options.capacity, capacity_max), "capacity", options.capacity, capacity_max);
  require(within(options.topics_max, topics_limit), "topics_max", options.topics_max, topics_limit);
  return options;
}

MappedPages memory_for(SignalCore::Memory kind, std::size_t bytes) {
  if (kind == SignalCore::Memory::shared)
    if (auto shared = MappedPages::shared("theus-signals", bytes); shared && shared->seal_for_readers())
      return *std::move(shared);
  return MappedPages::of_this_process(bytes);
}

}  // namespace

SignalCore::SignalCore(const SignalHubOptions& wanted, Memory kind)
    : options(checked(wanted)),
      topics(wanted.topics_max),
      memory(memory_for(kind, memory_bytes(wanted.capacity))),
      ring(SignalRing::create(memory.bytes().first(SignalRing::bytes(wanted.capacity)), wanted.capacity)),
      second_lines(reinterpret_cast<SecondLine*>(memory.bytes().data() + SignalRing::bytes(wanted.capacity))),
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
