// How events come into the ring: as records, at places of their own, and then to the notice of those who sleep.

#include "runtime/signal_core.hpp"

#include <algorithm>

namespace theus {
namespace {

// How far ahead a producer asks for the lines it will write: a few transfers between cores, in sends.
constexpr std::uint64_t slots_ahead = 8;

}  // namespace

// Whether it fits into a record.
template <class PackInto>
[[gnu::always_inline]] inline bool SignalCore::fit(SignalRecord& record, const Topic* topic, PayloadForm form,
                                                   const PackInto& pack_into) {
  const std::size_t used =
      topic != nullptr ? pack_into(std::as_writable_bytes(std::span{record.payload})) : does_not_fit;
  if (used == does_not_fit) [[unlikely]]
    return false;
  record.word = SignalHead{.topic = topic->id, .form = form, .bytes = static_cast<std::uint8_t>(used)}.word();
  return true;
}

bool SignalCore::fit(SignalRecord& record, const Topic* topic, const Value& payload) {
  return fit(record, topic, PayloadForm::packed, [&](auto room) { return pack(payload, room); });
}

bool SignalCore::fit(SignalRecord& record, const Topic* topic, std::initializer_list<Member> members) {
  if (members.size() == 0)
    return fit(record, topic, Value{});
  return fit(record, topic, PayloadForm::packed, [&](auto room) {
    return pack(std::span{members.begin(), members.size()}, room);
  });
}

bool SignalCore::fit(SignalRecord& record, const Topic* topic, std::span<const std::byte> bytes) {
  return fit(record, topic, PayloadForm::bytes, [&](std::span<std::byte> room) {
    if (bytes.size() > room.size())
      return does_not_fit;
    std::ranges::copy(bytes, room.begin());
    return bytes.size();
  });
}

template <class Content, class Build>
[[gnu::always_inline]] inline SignalRecord SignalCore::make_record(const Topic* topic, std::string_view name,
                                                                   const Content& content, const Build& build) {
  SignalRecord record;
  if (fit(record, topic, content)) [[likely]]
    return record;
  const std::uint32_t id = topic != nullptr ? topic->id : 0;
  record.word = SignalHead{.topic = id, .form = PayloadForm::large, .bytes = sizeof(LargeEvent*)}.word();
  record.payload[0] =
      reinterpret_cast<std::uint64_t>(large.keep(build(), topic != nullptr ? SignalName{} : TopicTable::name_of(name)));
  return record;
}

SignalRecord SignalCore::record(const Topic* topic, std::string_view name, const Value& payload) {
  return make_record(topic, name, payload, [&] { return payload; });
}

SignalRecord SignalCore::record(const Topic* topic, std::string_view name, std::initializer_list<Member> members) {
  return make_record(topic, name, members, [&] { return members.size() == 0 ? Value{} : Value(members); });
}

SignalRecord SignalCore::record(const Topic* topic, std::string_view name, std::span<const std::byte> bytes) {
  return make_record(topic, name, bytes, [&] { return Value::bytes(bytes); });
}

std::uint64_t SignalCore::publish(std::span<const SignalRecord> records) {
  const std::uint64_t first = publish_in_parts(RecordRun{records});
  if (first == 0) [[unlikely]]
    refuse(records);
  return first;
}

std::uint64_t SignalCore::publish(const ByteRun& bytes) {
  const std::uint64_t first = publish_in_parts(bytes);
  if (first == 0) [[unlikely]]
    count_refused(bytes.size());
  return first;
}

// What most sends are, in one piece: whatever takes more is a call from its end, so that it saves no registers.
template <class Single>
[[gnu::always_inline]] inline std::uint64_t SignalCore::publish_single(const Single& record) {
  if (!large.any()) [[likely]]
    if (const std::uint64_t end = place_single(record); end != 0) [[likely]]
      return notify(record, end);
  return publish_anyhow(record);
}

// Where it ends, or 0.
template <class Single>
[[gnu::always_inline]] inline std::uint64_t SignalCore::place_single(const Single& record) noexcept {
  const auto inside = producers_.enter();
  if (!inside) [[unlikely]]
    return 0;
  auto at = alone_at_;
  const std::uint64_t limit = gate.limit();
  if (at.place() >= limit) [[unlikely]]
    return 0;
  ring.claim_alone(at.place(), 1);
  if (at.place() + slots_ahead < limit)
    prefetch_to_write(at, record, 0);
  put(at, record, 0);
  ring.go_on(at);
  alone_at_ = at;
  return at.place();
}

template <class Single>
[[gnu::noinline]] std::uint64_t SignalCore::publish_anyhow(Single record) {
  if constexpr (std::is_same_v<Single, SingleRecord>)
    return publish(record.all().records);
  else
    return publish(record.all());
}

std::uint64_t SignalCore::publish(const SignalRecord& record) { return publish_single(SingleRecord{record}); }
std::uint64_t SignalCore::publish(const Topic& topic, std::span<const std::byte> bytes) {
  return publish_single(SingleBytes{bytes_head(topic), bytes});
}

// Gated subscribers could never make room for more than the capacity at once.
template <class Run>
std::uint64_t SignalCore::publish_in_parts(const Run& run) {
  const std::size_t all = run.size();
  if (all <= options.capacity) [[likely]] {
    const Placed placed = publish(run, Gate::wait);
    return placed.outcome == Placed::Outcome::published ? placed.first + 1 : 0;
  }
  const Placed placed = publish(run.part(0, options.capacity), Gate::wait);
  if (placed.outcome != Placed::Outcome::published)
    return 0;
  // What a later part is refused is counted there; the caller's first event has been published.
  for (std::size_t from = options.capacity; from < all; from += options.capacity)
    if constexpr (std::is_same_v<Run, RecordRun>)
      static_cast<void>(publish(run.part(from, std::min(all - from, options.capacity)).records));
    else
      static_cast<void>(publish(run.part(from, std::min(all - from, options.capacity))));
  return placed.first + 1;
}

Result<std::uint64_t> SignalCore::try_publish(const SignalRecord& record) {
  const RecordRun run{{&record, 1}};
  while (true) {
    const Placed placed = publish(run, Gate::refuse);
    if (placed.outcome == Placed::Outcome::published)
      return placed.first + 1;
    Status admitted = placed.outcome == Placed::Outcome::closed
                          ? Status{Error{Errc::closed, "SignalHub", "the hub is closed"}}
                          : gate.admit_now(1, [&] { return ring.tail(); });
    if (admitted)
      continue;
    refuse({&record, 1});
    return admitted.error();
  }
}

std::uint64_t SignalCore::publish_commit(std::uint64_t version, std::span<SignalRecord> records) {
  for (std::size_t i = 0; i < records.size(); ++i)
    records[i].set_index(static_cast<std::uint32_t>(i));
  const Placed placed = publish(RecordRun{records, version}, Gate::ignore);
  if (placed.outcome == Placed::Outcome::published) [[likely]]
    return placed.first + 1;
  refuse(records);
  return 0;
}

void SignalCore::relay(std::uint64_t version, const SignalRecord& record) {
  const std::span records{&record, 1};
  const Placed placed = publish(RecordRun{records, version}, Gate::ignore);
  if (placed.outcome != Placed::Outcome::published) [[unlikely]]
    refuse(records);
  else if (record.head().form == PayloadForm::gap)
    gaps.add(placed.first, record.payload[0], ring.oldest());
}

void SignalCore::relay(const CopiedRun& run) {
  if (publish(run, Gate::ignore).outcome != Placed::Outcome::published) [[unlikely]]
    count_refused(run.size());
}

void SignalCore::admit(std::span<const SignalRecord> records) {
  if (records.size() <= options.capacity &&
      publish(RecordRun{records}, Gate::refuse).outcome == Placed::Outcome::published) [[likely]]
    return;
  for (const SignalRecord& record : records)
    (void)try_publish(record);
}

void SignalCore::refuse(std::span<const SignalRecord> records) noexcept {
  count_refused(records.size());
  for (const SignalRecord& record : records)
    if (LargeEvent* const event = record.large())
      large.drop(event);
}

template <class Run>
SignalCore::Placed SignalCore::publish(const Run& run, Gate heeded) {
  const Placed placed = place_alone(run, heeded == Gate::ignore ? SignalGate::unlimited : gate.limit());
  if (placed.outcome != Placed::Outcome::published) [[unlikely]]
    return publish_among_several(run, heeded);
  notify(run, placed.first + run.size());
  return placed;
}

// Whatever it takes, except waiting where a refusal is wanted.
template <class Run>
SignalCore::Placed SignalCore::publish_among_several(const Run& run, Gate heeded) {
  while (true) {
    const std::uint64_t limit = heeded == Gate::ignore ? SignalGate::unlimited : gate.limit();
    Placed placed = place_alone(run, limit);
    if (placed.outcome == Placed::Outcome::taken && !producers_.is_gone() && producers_.take_over())
      continue;
    if (placed.outcome == Placed::Outcome::taken)
      placed = place_among_several(run, limit);
    if (placed.outcome == Placed::Outcome::published) {
      notify(run, placed.first + run.size());
      return placed;
    }
    if (placed.outcome == Placed::Outcome::closed || heeded == Gate::refuse ||
        !gate.admit(run.size(), [&] { return ring.tail(); }))
      return placed;
  }
}

template <class Run>
[[gnu::always_inline]] inline SignalCore::Placed SignalCore::place_alone(const Run& run, std::uint64_t limit) noexcept {
  const auto inside = producers_.enter();
  if (!inside) [[unlikely]]
    return {Placed::Outcome::taken};
  const std::size_t count = run.size();
  auto at = alone_at_;
  const std::uint64_t first = at.place();
  if (first + count > limit) [[unlikely]]
    return {Placed::Outcome::no_room};
  ring.claim_alone(first, count);
  for (std::size_t i = 0; i < count; ++i, ring.go_on(at)) {
    if (at.place() + slots_ahead < limit)  // beyond it somebody is still reading
      prefetch_to_write(at, run, i);
    write(at, run, i);
  }
  alone_at_ = at;
  return {Placed::Outcome::published, first};
}

template <class Run>
SignalCore::Placed SignalCore::place_among_several(const Run& run, std::uint64_t limit) noexcept {
  const std::size_t count = run.size();
  const auto first = limit == SignalGate::unlimited ? ring.claim_shared(count) : ring.claim_shared_up_to(count, limit);
  if (!first) [[unlikely]]
    return {ring.is_closed() || limit == SignalGate::unlimited ? Placed::Outcome::closed : Placed::Outcome::no_room};
  auto at = ring.walk(*first);
  for (std::size_t i = 0; i < count; ++i, ring.go_on(at)) {
    if (i + slots_ahead < count)  // the places beyond are another producer's
      prefetch_to_write(at, run, i);
    ring.await_former(at);
    write(at, run, i);
  }
  return {Placed::Outcome::published, *first};
}

// The large event that the slot of this place holds, or nullptr. REQUIRES: the caller owns the slot, or is alone.
LargeEvent* SignalCore::large_at(const SignalRing::Walk& at) const noexcept {
  const ReadableWords words{ring.former_words(at), second_lines[at.slot()]};
  const auto head = SignalHead::of(words.at(0).load(std::memory_order_relaxed));
  return head.form == PayloadForm::large
             ? std::bit_cast<LargeEvent*>(words.at(head.has_version ? 2 : 1).load(std::memory_order_relaxed))
             : nullptr;
}

template <class Run>
[[gnu::always_inline]] inline void SignalCore::write(const SignalRing::Walk& at, const Run& run,
                                                     std::size_t i) noexcept {
  LargeEvent* former = large.any() ? large_at(at) : nullptr;
  put(at, run, i);
  if (former != nullptr) [[unlikely]]
    large.retire(former, at.place() - options.capacity);
}

template <class Run>
[[gnu::always_inline]] inline void SignalCore::put(const SignalRing::Walk& at, const Run& run, std::size_t i) noexcept {
  ring.write(at, [&](SignalRing::Words& words) { run.write(i, WritableWords{words, second_lines[at.slot()]}); });
}

template <class Run>
[[gnu::always_inline]] inline void SignalCore::prefetch_to_write(const SignalRing::Walk& at, const Run& run,
                                                                 std::size_t i) const noexcept {
  ring.prefetch_to_write(at, slots_ahead);
  if (run.uses_second_line(i) && at.slot() + slots_ahead < options.capacity)
    theus::prefetch_to_write(&second_lines[at.slot() + slots_ahead]);
}

// Returns the end, for what is a call from somebody's own end.
template <class Run>
[[gnu::always_inline]] inline std::uint64_t SignalCore::notify(const Run& run, std::uint64_t end) noexcept {
  fence.light();
  if (sleepers.has_sleepers() || wakers.any()) [[unlikely]]
    return wake(run, end);
  return end;
}

template <class Run>
[[gnu::noinline]] std::uint64_t SignalCore::wake(Run run, std::uint64_t end) noexcept {
  if (sleepers.has_sleepers())
    sleepers.wake();
  if (wakers.any())
    wakers.wake(run.all(), end);
  return end;
}

}  // namespace theus
