#include "runtime/signal_subscriber.hpp"

#include <sched.h>

#include <algorithm>

namespace theus {
namespace {

// Looking again at once would take the line away from the publisher that is about to write it.
constexpr int pauses_between_looks = 16;
constexpr int looks_per_clock_reading = 8;
constexpr int yields_before_sleep = 4;

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
  next_.store(first);
}

Received Subscriber::try_receive() {
  Received received{Received::Kind::empty};
  const Turn turn = enter();
  received.kind_ = take(received.event_, received.lagged_);
  return received;
}

Received Subscriber::receive(Deadline deadline) {
  Received received{Received::Kind::empty};
  wait(deadline, [&] {
    const Turn turn = enter();
    received.kind_ = take(received.event_, received.lagged_);
    return received.kind_ != Received::Kind::empty;
  });
  if (received.kind_ == Received::Kind::empty)
    received.kind_ = Received::Kind::timeout;
  return received;
}

ReceivedBatch Subscriber::try_receive(std::vector<Event>& events, std::size_t limit) {
  const Turn turn = enter();
  return take_batch(events, limit);
}

ReceivedBatch Subscriber::receive(std::vector<Event>& events, std::size_t limit, Deadline deadline) {
  ReceivedBatch batch{Received::Kind::empty, 0, {}};
  wait(deadline, [&] {
    const Turn turn = enter();
    batch = take_batch(events, limit);
    return !batch.is_empty();
  });
  return batch.is_empty() ? ReceivedBatch{Received::Kind::timeout, 0, {}} : batch;
}

bool Subscriber::arm() {
  core_->wakers.arm(shared_from_this());
  core_->fence.heavy();
  // When it is no longer armed its waker has been called, which is what was asked for.
  return !is_anything_new() || !core_->wakers.disarm(*this);
}

bool Subscriber::may_want(std::uint32_t topic) const {
  if (filter_.matches_all() || topic == 0 || filter_.matches(core_->topics.at(topic).text))
    return true;
  // Before what it does not want overruns it, it should skip it.
  return core_->ring.tail() - next() > core_->options.capacity / 2;
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
  statistics.evicted = evicted_;
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
    if (!entry_.take_over())
      return {BiasedEntry::Inside{}, std::unique_lock{shared_entry_}};
  }
}

template <class Take>
void Subscriber::wait(Deadline deadline, const Take& take) {
  using Clock = std::chrono::steady_clock;
  if (take())
    return;
  const Deadline begin = Clock::now();
  const Deadline spin_end = options_.spin < deadline - begin ? begin + options_.spin : deadline;
  while (Clock::now() < spin_end) {
    for (int look = 0; look < looks_per_clock_reading; ++look) {
      for (int pause = 0; pause < pauses_between_looks; ++pause)
        pause_core();
      if (take())
        return;
    }
  }
  for (int yield = 0; yield < yields_before_sleep; ++yield) {
    ::sched_yield();
    if (take())
      return;
  }
  while (deadline == no_deadline || Clock::now() < deadline) {
    core_->sleepers.park(core_->fence, deadline, [&] { return is_anything_new(); });
    if (take())
      return;
  }
}

ReceivedBatch Subscriber::take_batch(std::vector<Event>& events, std::size_t limit) {
  std::size_t count = 0;
  std::uint64_t lost = 0;
  while (count < limit) {
    if (count == events.size())
      events.emplace_back();
    const auto kind = take(events[count], lost);
    if (kind != Received::Kind::event) {
      if (count == 0)
        return {kind, lost, {}};
      owed_lag_ = lost;
      break;
    }
    ++count;
  }
  return {count > 0 ? Received::Kind::event : Received::Kind::empty, 0, {events.data(), count}};
}

Received::Kind Subscriber::take(Event& event, std::uint64_t& lost) {
  if (owed_lag_ > 0) [[unlikely]] {
    lost = std::exchange(owed_lag_, 0);
    return Received::Kind::lagged;
  }
  const auto kind = options_.conflation.kind_ == SignalConflation::Kind::none ? take_from_ring(event, lost)
                                                                              : take_conflated(event, lost);
  if (kind == Received::Kind::event)
    count(received_);
  return kind;
}

Received::Kind Subscriber::take_from_ring(Event& event, std::uint64_t& lost) {
  if (evicted_.load(std::memory_order_relaxed)) [[unlikely]]
    return Received::Kind::closed;
  // Bounded, so that a flood of unwanted events cannot hold the caller for ever.
  for (std::uint64_t skipped = 0; skipped <= core_->options.capacity;) {
    const std::uint64_t place = next_.load(std::memory_order_relaxed);
    SignalHead head;
    const Poll poll = core_->ring.read(place, [&](const SignalRing::Words& words) {
      head = SignalHead::of(words[0].load(std::memory_order_relaxed));
      event.version = words[1].load(std::memory_order_relaxed);
      const std::size_t used = std::min<std::size_t>((head.bytes + 7U) / 8, payload_words_max);
      for (std::size_t i = 0; i < used; ++i)
        event.payload.words_[i] = words[2 + i].load(std::memory_order_relaxed);
    });
    if (poll == Poll::empty)
      return core_->ring.closed_at() <= place ? Received::Kind::closed : Received::Kind::empty;
    if (poll == Poll::overrun) {
      lost = skip_lost(place);
      return Received::Kind::lagged;
    }
    event.sequence = place + 1;
    event.index = head.index;
    const Fill filled = fill(event, place, head);
    if (filled == Fill::lost)
      continue;
    move_to(place + 1);
    if (filled == Fill::wanted)
      return Received::Kind::event;
    count(filtered_);
    ++skipped;
  }
  return Received::Kind::empty;
}

// Completes an event whose words have been copied.
Subscriber::Fill Subscriber::fill(Event& event, std::uint64_t place, SignalHead head) {
  const Hearing& hearing = hear(head.topic);
  if (!hearing.wanted)
    return Fill::unwanted;
  if (hearing.topic != nullptr)
    event.name = hearing.topic->name;
  event.payload.size_ = head.bytes;
  event.payload.form_ = static_cast<Payload::Form>(head.form);
  if (head.form != PayloadForm::large) [[likely]] {
    if (event.payload.large_) [[unlikely]]
      event.payload.large_.reset();
    return Fill::wanted;
  }
  const auto* address = std::bit_cast<const LargeEvent*>(event.payload.words_[0]);
  const auto large = core_->large.share(address, place, hazard_, [&] { return core_->ring.holds(place); });
  if (!large)
    return Fill::lost;
  event.payload.large_ = {large, &large->payload};
  if (hearing.topic != nullptr)
    return Fill::wanted;
  event.name = large->name;
  return filter_.matches(event.name) ? Fill::wanted : Fill::unwanted;
}

Received::Kind Subscriber::take_conflated(Event& event, std::uint64_t& lost) {
  auto kind = Received::Kind::event;
  while (pending_.size() < core_->options.capacity) {
    Event next;
    kind = take_from_ring(next, lost);
    if (kind != Received::Kind::event)
      break;
    Conflated key{next.name.str(), options_.conflation.kind_ == SignalConflation::Kind::member
                                       ? next.payload[options_.conflation.member_]
                                       : Value{}};
    const auto [found, is_new] = pending_at_.try_emplace(std::move(key), delivered_ + pending_.size());
    if (is_new) {
      pending_.emplace_back(&found->first, std::move(next));
    } else {
      pending_[found->second - delivered_].event = std::move(next);
      count(conflated_);
    }
    pending_count_.store(pending_.size(), std::memory_order_relaxed);
  }
  if (kind == Received::Kind::lagged)
    return kind;
  if (pending_.empty())
    return kind;
  event = std::move(pending_.front().event);
  pending_at_.erase(pending_at_.find(*pending_.front().key));
  pending_.pop_front();
  ++delivered_;
  pending_count_.store(pending_.size(), std::memory_order_relaxed);
  return Received::Kind::event;
}

bool Subscriber::is_anything_new() {
  const Turn turn = enter();
  if (owed_lag_ > 0 || !pending_.empty() || evicted_.load())
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
    count(filtered_);
  }
  return true;
}

std::uint64_t Subscriber::skip_lost(std::uint64_t place) noexcept {
  const std::uint64_t resumed =
      options_.resume_at_newest ? core_->ring.resume_at_newest(place) : core_->ring.resume_after_overrun(place);
  const std::uint64_t lost = resumed - place;
  lagged_.store(lagged_.load(std::memory_order_relaxed) + lost, std::memory_order_relaxed);
  move_to(resumed);
  return lost;
}

void Subscriber::move_to(std::uint64_t place) noexcept {
  next_.store(place, std::memory_order_release);  // pairs with the acquire in next(): what stood before has been read
  if (is_gated()) [[unlikely]]
    core_->gate.moved();
}

void Subscriber::count(std::atomic<std::uint64_t>& counter) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

// Names that are not interned are always worth a look.
const Subscriber::Hearing& Subscriber::hear(std::uint32_t topic) {
  static constexpr Hearing not_interned{nullptr, true};
  if (topic == 0) [[unlikely]]
    return not_interned;
  if (topic >= heard_.size()) [[unlikely]]
    heard_.resize(topic + std::size_t{1});
  Hearing& hearing = heard_[topic];
  if (hearing.topic == nullptr) [[unlikely]] {
    hearing.topic = &core_->topics.at(topic);
    hearing.wanted = filter_.matches(hearing.topic->text);
  }
  return hearing;
}

}  // namespace theus
