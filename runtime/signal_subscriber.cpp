#include "runtime/signal_subscriber.hpp"

#include "runtime/signal_relay.hpp"

#include <sched.h>

#include <algorithm>

namespace theus {
namespace {

// Looking again at once takes the line away from the publisher that is about to write it, which is worth it for a
// receiver that answers each event, and slows down a stream of them, of which some then come at once.
constexpr int pauses_in_stream = 16;
constexpr int pauses_in_batches_max = 128;
constexpr int looks_before_clock = 64;
constexpr int looks_per_clock_reading = 8;
constexpr auto spin_without_yield = std::chrono::microseconds{4};
constexpr int yields_before_sleep = 4;
// One wait in so many looks as in a stream, to find out whether it is in one.
constexpr std::uint32_t waits_per_trial = 64;

void pause(int times) noexcept {
  for (int i = 0; i < times; ++i)
    pause_core();
}

}  // namespace

Subscriber::Subscriber(std::shared_ptr<SignalCore> core, const SubscribeOptions& options)
    : core_(std::move(core)), options_(options), filter_(options.filter), entry_(core_->fence) {}

void Subscriber::start() {
  const std::uint64_t end = core_->ring.tail();
  std::uint64_t first = end;
  switch (options_.from.kind_) {
    case SignalStart::Kind::now: break;
    case SignalStart::Kind::last: first = end - std::min(options_.from.number_, end - core_->ring.oldest()); break;
    case SignalStart::Kind::sequence: first = std::max<std::uint64_t>(options_.from.number_, 1) - 1; break;
  }
  gaps_seen_ = core_->gaps.before(first);
  next_.store(first);
}

template <class Take>
[[gnu::always_inline]] inline bool Subscriber::take_or_pull(const Take& take) {
  if (take()) [[likely]]
    return true;
  return core_->source != nullptr && core_->source->pull() && take();
}

Received Subscriber::try_receive() {
  Received received{Received::Kind::empty};
  take_or_pull([&] {
    const Turn turn = enter();
    received.kind_ = take(received.event_, received.lagged_);
    return received.kind_ != Received::Kind::empty;
  });
  return received;
}

Received Subscriber::receive(std::chrono::nanoseconds timeout) {
  Received received{Received::Kind::empty};
  wait(timeout, 0, [&] {
    const Turn turn = enter();
    received.kind_ = take(received.event_, received.lagged_);
    return received.kind_ != Received::Kind::empty;
  });
  if (received.kind_ == Received::Kind::empty)
    received.kind_ = Received::Kind::timeout;
  return received;
}

ReceivedBatch Subscriber::try_receive(std::vector<Event>& events, std::size_t limit) {
  ReceivedBatch batch{Received::Kind::empty, 0, {}};
  take_or_pull([&] {
    const Turn turn = enter();
    batch = take_batch(events, limit);
    return !batch.is_empty();
  });
  return batch;
}

ReceivedBatch Subscriber::receive(std::vector<Event>& events, std::size_t limit, std::chrono::nanoseconds timeout) {
  ReceivedBatch batch{Received::Kind::empty, 0, {}};
  wait(timeout, pauses_in_stream, [&] {
    const Turn turn = enter();
    batch = take_batch(events, limit);
    return !batch.is_empty();
  });
  return batch.is_empty() ? ReceivedBatch{Received::Kind::timeout, 0, {}} : batch;
}

void Subscriber::try_receive(EventBatch& batch) {
  take_or_pull([&] {
    const Turn turn = enter();
    take_batch(batch);
    return !batch.is_empty();
  });
}

void Subscriber::receive(EventBatch& batch, std::chrono::nanoseconds timeout) {
  const auto pauses = batch_pauses_.load(std::memory_order_relaxed);
  wait(timeout, pauses_in_stream + pauses, [&] {
    const Turn turn = enter();
    take_batch(batch);
    return !batch.is_empty();
  });
  if (batch.is_empty())
    batch.kind_ = Received::Kind::timeout;
  // Small batches mean that it is quicker than what it listens to.
  const int next = batch.count_ < batch.capacity_ / 2 ? std::min(2 * pauses + 1, pauses_in_batches_max) : pauses / 2;
  if (next != pauses)
    batch_pauses_.store(next, std::memory_order_relaxed);
}

void Subscriber::skip_to_newest() {
  const Turn turn = enter();
  const std::uint64_t end = core_->ring.tail();
  add(filtered_, end - next_.load(std::memory_order_relaxed));
  gaps_seen_ = core_->gaps.before(end);
  move_to(end);
}

bool Subscriber::arm() {
  core_->wakers.arm(shared_from_this());
  core_->fence.heavy();
  if (core_->source != nullptr)
    core_->source->retire();
  // When it is no longer armed its waker has been called, which is what was asked for.
  return !is_anything_new() || !core_->wakers.disarm(*this);
}

bool Subscriber::wants(std::uint32_t topic) const {
  return filter_.matches_all() || topic == 0 || filter_.matches(core_->topics.at(topic).text);
}

SubscriberStatistics Subscriber::statistics(Deadline now) {
  SubscriberStatistics statistics;
  statistics.name = options_.name;
  const std::uint64_t next = next_.load(std::memory_order_acquire);
  const std::uint64_t end = core_->ring.tail();
  statistics.depth = (end > next ? end - next : 0) + pending_count_.load();
  statistics.received = received_;
  statistics.lagged = lagged_;
  statistics.filtered = filtered_;
  statistics.conflated = conflated_;
  statistics.evicted = end_.load() == End::evicted;
  if (statistics.depth == 0 || seen_received_ != statistics.received || seen_next_ != next) {
    seen_received_ = statistics.received;
    seen_next_ = next;
    seen_at_ = now;
  }
  statistics.age = now - seen_at_;
  return statistics;
}

Subscriber::Turn Subscriber::enter() {
  while (true) {
    if (auto inside = entry_.enter())
      return {std::move(inside), {}};
    if (entry_.is_gone() || !entry_.take_over())
      return {BiasedEntry::Inside{}, std::unique_lock{shared_entry_}};
  }
}

// `pauses`: before the second look, if something may come while it spins; 0: as many as suits how events came so far.
template <class Take>
void Subscriber::wait(std::chrono::nanoseconds timeout, int pauses, const Take& take_once) {
  const auto take = [&] { return take_or_pull(take_once); };
  using Clock = std::chrono::steady_clock;
  if (take()) [[likely]]
    return;
  if (options_.spin.count() > 0) {
    const bool is_one = pauses == 0;
    pause(is_one ? pauses_of_one() : pauses);
    for (int look = 0; look < looks_before_clock; ++look) {
      if (take())
        return;
      pause(is_one ? 1 : pauses_in_stream);
    }
  }
  const Deadline begin = Clock::now();
  const Deadline deadline = timeout < no_deadline - begin ? begin + timeout : no_deadline;
  const Deadline spin_end = options_.spin < deadline - begin ? begin + options_.spin : deadline;
  for (Deadline now = begin; now < spin_end; now = Clock::now()) {
    if (now - begin >= spin_without_yield)
      ::sched_yield();
    for (int look = 0; look < looks_per_clock_reading; ++look) {
      if (take())
        return;
      pause(pauses_in_stream);
    }
  }
  for (int yield = 0; yield < yields_before_sleep; ++yield) {
    ::sched_yield();
    if (take())
      return;
  }
  while (deadline == no_deadline || Clock::now() < deadline) {
    if (core_->source != nullptr)
      core_->source->retire();
    core_->sleepers.park(core_->fence, deadline, [&] { return is_anything_new(); });
    if (take())
      return;
  }
}

// In a stream several events are received between two waits; a receiver that answers each one waits for each.
int Subscriber::pauses_of_one() {
  const std::uint64_t received = received_.load(std::memory_order_relaxed);
  const std::uint64_t since = received - received_before_wait_.load(std::memory_order_relaxed);
  received_before_wait_.store(received, std::memory_order_relaxed);
  const std::uint32_t waits = waits_.load(std::memory_order_relaxed);
  waits_.store(waits + 1, std::memory_order_relaxed);
  return since > 1 || waits % waits_per_trial == waits_per_trial - 1 ? pauses_in_stream : 1;
}

bool Subscriber::is_anything_new() {
  const Turn turn = enter();
  if (!pending_.empty() || end_.load() != End::none)
    return true;
  for (std::uint64_t skipped = 0; skipped <= core_->options.capacity; ++skipped) {
    const std::uint64_t place = next_.load(std::memory_order_relaxed);
    SignalHead head;
    const Poll poll = core_->ring.read(place, [&](const SignalRing::Words& words) {
      head = SignalHead::of(words[0].load(std::memory_order_relaxed));
    });
    if (poll == Poll::empty)
      return core_->ring.closed_at() <= place;
    if (poll == Poll::overrun || hear(head.topic).wanted)
      return true;
    move_to(place + 1);
    add(filtered_, 1);
  }
  return true;
}

}  // namespace theus
