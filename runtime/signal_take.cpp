// How events come out of the ring. All of this runs inside a Turn; what is copied from a slot counts only when its turn
// is the same after as before.

#include "runtime/signal_subscriber.hpp"

#include <algorithm>

namespace theus {
namespace {

std::uint64_t version_of(SignalHead head, const ReadableWords& words) noexcept {
  return head.has_version ? words.at(1).load(std::memory_order_relaxed) : 0;
}

}  // namespace

// Where events go. `copy` takes what stands in the slot and may find any mixture of words; `complete` is called only
// when what was copied counts.

struct Subscriber::EventRoom {
  Subscriber& self;
  std::span<Event> events;

  std::size_t size() const noexcept { return events.size(); }
  void copy(std::size_t i, std::uint64_t word, const ReadableWords& words) const noexcept {
    const auto head = SignalHead::of(word);
    events[i].version = version_of(head, words);
    words.take_payload(head, events[i].payload.words_.data());
  }
  Fill complete(std::size_t i, SignalRing::Walk at, std::uint64_t word, const Topic* topic) const {
    return self.fill(events[i], at, SignalHead::of(word), topic);
  }
};

struct Subscriber::BatchRoom {
  Subscriber& self;
  EventBatch& batch;
  EventView::Slot* const slots = batch.slots_.get();

  std::size_t size() const noexcept { return batch.capacity_; }
  void copy(std::size_t i, std::uint64_t word, const ReadableWords& words) const noexcept {
    const auto head = SignalHead::of(word);
    slots[i].version = version_of(head, words);
    slots[i].head = word;
    words.take_payload(head, slots[i].words);
  }
  Fill complete(std::size_t i, SignalRing::Walk at, std::uint64_t word, const Topic* topic) const {
    if (SignalHead::of(word).form >= PayloadForm::large) [[unlikely]]
      return complete_large(slots[i], at, SignalHead::of(word), topic);
    slots[i].sequence = at.place() + 1;
    slots[i].name = &topic->text;
    return Fill::wanted;
  }
  Fill complete_large(EventView::Slot& slot, SignalRing::Walk at, SignalHead head, const Topic* topic) const {
    Event event;
    event.version = slot.version;
    event.payload.words_[0] = slot.words[0];
    const Fill filled = self.fill(event, at, head, topic);
    if (filled == Fill::wanted)
      put_whole(slot, std::move(event));
    return filled;
  }
  void put_whole(EventView::Slot& slot, Event event) const {
    batch.whole_.reserve(batch.capacity_);
    slot.sequence = event.sequence;
    slot.version = event.version;
    slot.head = SignalHead{.index = event.index, .form = PayloadForm::large}.word();
    slot.whole = &batch.whole_.emplace_back(std::move(event));
  }
};

ReceivedBatch Subscriber::take_batch(std::vector<Event>& events, std::size_t limit) {
  std::size_t count = 0;
  auto ended = Received::Kind::event;
  while (count < limit && ended == Received::Kind::event) {
    if (count == events.size())
      events.resize(std::min(limit, std::max<std::size_t>(16, 2 * count)));
    const auto room = std::span{events}.first(std::min(limit, events.size())).subspan(count);
    const Run run = is_conflating() ? take_conflated(room.front()) : take_run(EventRoom{*this, room});
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
  const Run run = is_conflating() ? take_conflated(event) : take_one(event);
  if (run.count == 0 && run.ended == Received::Kind::lagged) [[unlikely]]
    lost = skip_lost();
  return run.ended;
}

void Subscriber::take_batch(EventBatch& batch) {
  batch.whole_.clear();
  if (batch.names_ != core_) [[unlikely]]
    batch.names_ = core_;
  batch.lagged_ = 0;
  const BatchRoom room{*this, batch};
  Run run{0, Received::Kind::event};
  if (!is_conflating()) [[likely]] {
    run = take_run(room);
  } else {
    while (run.count < batch.capacity_ && run.ended == Received::Kind::event) {
      Event event;
      const Run one = take_conflated(event);
      if (one.count > 0)
        room.put_whole(batch.slots_[run.count], std::move(event));
      run = {run.count + one.count, one.ended};
    }
  }
  batch.count_ = run.count;
  batch.kind_ = run.count > 0 ? Received::Kind::event : run.ended;
  if (batch.is_lagged()) [[unlikely]]
    batch.lagged_ = skip_lost();
}

Subscriber::Run Subscriber::take_one(Event& event) { return take_run(EventRoom{*this, {&event, 1}}); }

// Fills the room from the ring: ends with `event` when it is full, else with why it is not. A loss is left to
// skip_lost(), so that it can wait until the events before it have been delivered.
template <class Room>
Subscriber::Run Subscriber::take_run(const Room room) {
  if (end_.load(std::memory_order_relaxed) != End::none) [[unlikely]]
    return {0, Received::Kind::closed};
  const SignalRing ring = core_->ring;
  const SecondLine* const second_lines = core_->second_lines;
  Run run{0, Received::Kind::event};
  const std::uint64_t begin = next_.load(std::memory_order_relaxed);
  auto at = ring.walk(begin);
  std::uint64_t skipped = 0;
  Hearing hearing{};
  const std::size_t limit = room.size();
  while (run.count < limit) {
    std::uint64_t word = 0;
    const Poll poll = ring.read(at, [&](const SignalRing::Words& slot) {
      word = slot[0].load(std::memory_order_relaxed);
      if (SignalHead::topic_of(word) != hearing.id) [[unlikely]]
        hearing = hear(SignalHead::topic_of(word));
      if (hearing.wanted) [[likely]]
        room.copy(run.count, word, ReadableWords{slot, second_lines[at.slot()]});
    });
    if (poll != Poll::ready) [[unlikely]] {
      const auto none = ring.closed_at() <= at.place() ? Received::Kind::closed : Received::Kind::empty;
      run.ended = poll == Poll::overrun ? Received::Kind::lagged : none;
      break;
    }
    const Fill filled = hearing.wanted ? room.complete(run.count, at, word, hearing.topic) : Fill::unwanted;
    if (filled == Fill::wanted) [[likely]] {
      ++run.count;
      ring.go_on(at);
      continue;
    }
    if (filled == Fill::lost)
      continue;
    if (filled == Fill::gap) {
      run.ended = Received::Kind::lagged;
      break;
    }
    ring.go_on(at);
    // A flood of unwanted events must not hold the caller for ever.
    if (++skipped > ring.capacity()) {
      run.ended = Received::Kind::empty;
      break;
    }
  }
  if (at.place() != begin) {
    move_to(at.place());
    if (skipped != 0)
      add(filtered_, skipped);
    if (!is_conflating())
      add(received_, run.count);
  }
  return run;
}

// Completes an event whose words have been copied.
Subscriber::Fill Subscriber::fill(Event& event, SignalRing::Walk at, SignalHead head, const Topic* topic) {
  event.sequence = at.place() + 1;
  event.index = head.index;
  if (topic != nullptr)
    event.name = topic->name;
  event.payload.size_ = head.bytes;
  event.payload.form_ = static_cast<PayloadView::Form>(head.form);
  if (head.form < PayloadForm::large) [[likely]] {
    if (event.payload.large_) [[unlikely]]
      event.payload.large_.reset();
    return Fill::wanted;
  }
  if (head.form == PayloadForm::gap) {
    gap_ = event.payload.words_[0];
    return Fill::gap;
  }
  const auto* address = std::bit_cast<const LargeEvent*>(event.payload.words_[0]);
  auto large = core_->large.share(address, at.place(), hazard_, [&] { return core_->ring.holds(at); });
  if (!large)
    return Fill::lost;
  if (topic == nullptr)
    event.name = large->name;
  const Value* payload = &large->payload;
  event.payload.large_ = {std::move(large), payload};
  return topic != nullptr || filter_.matches(event.name) ? Fill::wanted : Fill::unwanted;
}

// Takes what is in the ring, as far as there is room for keys, then delivers the key that has waited longest.
Subscriber::Run Subscriber::take_conflated(Event& event) {
  Run run{1, Received::Kind::event};
  // Bounded, so that a producer that is quicker than this cannot hold the caller for ever.
  for (std::size_t taken = 0; taken < core_->options.capacity && pending_.size() < core_->options.capacity; ++taken) {
    Event next;
    run = take_one(next);
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

// Goes on after a loss and tells how many were lost. REQUIRES: the next place is overrun, or holds a gap.
std::uint64_t Subscriber::skip_lost() noexcept {
  const std::uint64_t place = next_.load(std::memory_order_relaxed);
  if (const std::uint64_t elsewhere = std::exchange(gap_, 0); elsewhere > 0) {
    gaps_seen_.lost += elsewhere;
    ++gaps_seen_.places;
    add(lagged_, elsewhere);
    move_to(place + 1);
    return elsewhere;
  }
  const std::uint64_t resumed =
      options_.resume_at_newest ? core_->ring.resume_at_newest(place) : core_->ring.resume_after_overrun(place);
  std::uint64_t lost = resumed - place;
  if (core_->gaps.any()) [[unlikely]] {
    const SignalGaps::Sum now = core_->gaps.before(resumed);
    lost += (now.lost - gaps_seen_.lost) - (now.places - gaps_seen_.places);
    gaps_seen_ = now;
  }
  add(lagged_, lost);
  move_to(resumed);
  return lost;
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
Subscriber::Hearing Subscriber::hear_first(std::uint32_t topic) {
  if (topic >= heard_.size())
    heard_.resize(topic + std::size_t{1});
  Hearing& hearing = heard_[topic];
  hearing.id = topic;
  hearing.topic = topic == 0 ? nullptr : &core_->topics.at(topic);
  hearing.wanted = topic == 0 || filter_.matches(hearing.topic->text);
  return hearing;
}

}  // namespace theus
