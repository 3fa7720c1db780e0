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
  auto ended = Received::Kind::event;
  while (count < limit && ended == Received::Kind::event) {
    if (count == events.size())
      events.resize(std::min(limit, std::max<std::size_t>(16, 2 * count)));
    const auto room = std::span{events}.first(std::min(limit, events.size())).subspan(count);
    const Run run = is_conflating() ? take_conflated(room.front()) : take_run(room);
    count += run.count;
    ended = run.ended;
  }
  if (count > 0)
    return {Received::Kind::event, 0, {events.data(), count}};
  if (limit == 0)
    return {Received::Kind::empty, 0, {}};
  return {ended, ended == Received::Kind::lagged ? skip_lost() : 0, {}};
}

Received::Kind Subscriber::take(Event& event, std::uint64_t& lost) {
  const Run run = is_conflating() ? take_conflated(event) : take_run({&event, 1});
  if (run.count == 0 && run.ended == Received::Kind::lagged) [[unlikely]]
    lost = skip_lost();
  return run.ended;
}

// Fills the room from the ring: ends with `event` when it is full, else with why it is not. A loss is left to
// skip_lost(), so that it can wait until the events before it have been delivered.
Subscriber::Run Subscriber::take_run(std::span<Event> room) {
  if (end_.load(std::memory_order_relaxed) != End::none) [[unlikely]]
    return {0, Received::Kind::closed};
  Run run{0, Received::Kind::event};
  const std::uint64_t begin = next_.load(std::memory_order_relaxed);
  std::uint64_t place = begin;
  std::uint64_t skipped = 0;
  while (run.count < room.size()) {
    Event& event = room[run.count];
    SignalHead head;
    const Poll poll = core_->ring.read(place, [&](const SignalRing::Words& words) {
      head = SignalHead::of(words[0].load(std::memory_order_relaxed));
      event.version = words[1].load(std::memory_order_relaxed);
      const std::size_t used = std::min<std::size_t>((head.bytes + 7U) / 8, payload_words_max);
      for (std::size_t i = 0; i < used; ++i)
        event.payload.words_[i] = words[2 + i].load(std::memory_order_relaxed);
    });
    if (poll == Poll::ready) [[likely]] {
      const Fill filled = fill(event, place, head);
      run.count += filled == Fill::wanted;
      skipped += filled == Fill::unwanted;
      place += filled != Fill::lost;
      if (skipped <= core_->options.capacity) [[likely]]
        continue;
      // A flood of unwanted events must not hold the caller for ever.
      run.ended = Received::Kind::empty;
    } else if (poll == Poll::overrun) {
      run.ended = Received::Kind::lagged;
    } else {
      run.ended = core_->ring.closed_at() <= place ? Received::Kind::closed : Received::Kind::empty;
    }
    break;
  }
  if (place != begin) {
    move_to(place);
    add(filtered_, skipped);
    if (!is_conflating())
      add(received_, run.count);
  }
  return run;
}

// Completes an event whose words have been copied.
Subscriber::Fill Subscriber::fill(Event& event, std::uint64_t place, SignalHead head) {
  const Hearing hearing = hear(head.topic);
  if (!hearing.wanted)
    return Fill::unwanted;
  event.sequence = place + 1;
  event.index = head.index;
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
  auto large = core_->large.share(address, place, hazard_, [&] { return core_->ring.holds(place); });
  if (!large)
    return Fill::lost;
  if (hearing.topic == nullptr)
    event.name = large->name;
  const Value* payload = &large->payload;
  event.payload.large_ = {std::move(large), payload};
  return hearing.topic != nullptr || filter_.matches(event.name) ? Fill::wanted : Fill::unwanted;
}

// Takes what is in the ring, as far as there is room for keys, then delivers the key that has waited longest.
Subscriber::Run Subscriber::take_conflated(Event& event) {
  Run run{1, Received::Kind::event};
  // Bounded, so that a producer that is quicker than this cannot hold the caller for ever.
  for (std::size_t taken = 0; taken < core_->options.capacity && pending_.size() < core_->options.capacity; ++taken) {
    Event next;
    run = take_run({&next, 1});
    if (run.count == 0)
      break;
    Conflated key{next.name.str(), options_.conflation.kind_ == SignalConflation::Kind::member
                                       ? next.payload[options_.conflation.member_]
                                       : Value{}};
    const auto [found, is_new] = pending_at_.try_emplace(std::move(key), delivered_ + pending_.size());
    if (is_new) {
      pending_.emplace_back(&found->first, std::move(next));
    } else {
      pending_[found->second - delivered_].event = std::move(next);
      add(conflated_, 1);
    }
    pending_count_.store(pending_.size(), std::memory_order_relaxed);
  }
  if (end_.load(std::memory_order_relaxed) != End::none)
    return {0, Received::Kind::closed};
  if (pending_.empty() || run.ended == Received::Kind::lagged)
    return run;
  event = std::move(pending_.front().event);
  pending_at_.erase(pending_at_.find(*pending_.front().key));
  pending_.pop_front();
  ++delivered_;
  pending_count_.store(pending_.size(), std::memory_order_relaxed);
  add(received_, 1);
  return {1, Received::Kind::event};
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

// Goes on after a loss and tells how many were lost. REQUIRES: the next place is overrun.
std::uint64_t Subscriber::skip_lost() noexcept {
  const std::uint64_t place = next_.load(std::memory_order_relaxed);
  const std::uint64_t resumed =
      options_.resume_at_newest ? core_->ring.resume_at_newest(place) : core_->ring.resume_after_overrun(place);
  add(lagged_, resumed - place);
  move_to(resumed);
  return resumed - place;
}

void Subscriber::move_to(std::uint64_t place) noexcept {
  next_.store(place, std::memory_order_release);  // pairs with the acquire in next(): what stood before has been read
  if (is_gated()) [[unlikely]]
    core_->gate.moved();
}

void Subscriber::add(std::atomic<std::uint64_t>& counter, std::uint64_t count) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

// Names that are not interned are always worth a look.
Subscriber::Hearing Subscriber::hear(std::uint32_t topic) {
  if (topic == latest_heard_) [[likely]]
    return latest_hearing_;
  if (topic == 0) [[unlikely]]
    return {nullptr, true};
  if (topic >= heard_.size()) [[unlikely]]
    heard_.resize(topic + std::size_t{1});
  Hearing& hearing = heard_[topic];
  if (hearing.topic == nullptr) [[unlikely]] {
    hearing.topic = &core_->topics.at(topic);
    hearing.wanted = filter_.matches(hearing.topic->text);
  }
  latest_heard_ = topic;
  latest_hearing_ = hearing;
  return hearing;
}

}  // namespace theus
