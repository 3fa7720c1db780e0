#include "runtime/signal_core.hpp"

#include "runtime/signal_subscriber.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace theus {
namespace {

constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;
// How far ahead a producer asks for the lines it will write: a few transfers between cores, in sends.
constexpr std::uint64_t slots_ahead = 8;

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
  for (auto at = ring.walk(ring.oldest()); at.place() < ring.tail() && large.any(); at.next())
    if (LargeEvent* event = large_at(at))
      large.retire(event, at.place());
}

template <class PackInto, class Build>
SignalRecord SignalCore::make_record(const Topic* topic, std::string_view name, const PackInto& pack_into,
                                     const Build& build) {
  SignalRecord record;
  const auto room = std::as_writable_bytes(std::span{record.payload});
  if (topic != nullptr) {
    if (const auto used = pack_into(room)) {
      record.head.topic = topic->id;
      record.head.bytes = static_cast<std::uint8_t>(*used);
      return record;
    }
  }
  record.head.topic = topic != nullptr ? topic->id : 0;
  record.head.form = PayloadForm::large;
  record.head.bytes = sizeof(LargeEvent*);
  record.payload[0] =
      reinterpret_cast<std::uint64_t>(large.keep(build(), topic != nullptr ? SignalName{} : TopicTable::name_of(name)));
  return record;
}

SignalRecord SignalCore::record(const Topic* topic, std::string_view name, const Value& payload) {
  return make_record(
      topic, name, [&](auto room) { return pack(payload, room); }, [&] { return payload; });
}

SignalRecord SignalCore::record(const Topic* topic, std::string_view name, std::initializer_list<Member> members) {
  if (members.size() == 0)
    return record(topic, name, Value{});
  return make_record(
      topic, name,
      [&](auto room) {
        return pack(std::span{members.begin(), members.size()}, room);
      },
      [&] { return Value(members); });
}

SignalRecord SignalCore::record(const Topic* topic, std::string_view name, std::span<const std::byte> bytes) {
  const auto copy = [&](std::span<std::byte> room) -> std::optional<std::size_t> {
    if (bytes.size() > room.size())
      return std::nullopt;
    std::ranges::copy(bytes, room.begin());
    return bytes.size();
  };
  SignalRecord record = make_record(topic, name, copy, [&] { return Value::bytes(bytes); });
  if (record.head.form == PayloadForm::packed)
    record.head.form = PayloadForm::bytes;
  return record;
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

std::uint64_t SignalCore::publish(const SignalRecord& record) { return publish_single(SingleRecord{record}); }
std::uint64_t SignalCore::publish(const SingleBytes& record) { return publish_single(record); }

// What most sends are, in one piece.
template <class Single>
std::uint64_t SignalCore::publish_single(const Single& record) {
  const Placed placed = place_alone(record, gate.limit());
  if (placed.outcome != Placed::Outcome::published) [[unlikely]] {
    if constexpr (std::is_same_v<Single, SingleRecord>)
      return publish(record.all().records);
    else
      return publish(record.all());
  }
  notify(record, placed.first);
  return placed.first + 1;
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
    records[i].head.index = static_cast<std::uint32_t>(i);
  const Placed placed = publish(RecordRun{records, version}, Gate::ignore);
  if (placed.outcome == Placed::Outcome::published) [[likely]]
    return placed.first + 1;
  refuse(records);
  return 0;
}

void SignalCore::relay(std::uint64_t version, const SignalRecord& record) {
  const std::span records{&record, 1};
  if (publish(RecordRun{records, version}, Gate::ignore).outcome != Placed::Outcome::published) [[unlikely]]
    refuse(records);
}

void SignalCore::refuse(std::span<const SignalRecord> records) noexcept {
  count_refused(records.size());
  for (const SignalRecord& record : records)
    if (record.head.form == PayloadForm::large)
      large.drop(record.large());
}

template <class Run>
SignalCore::Placed SignalCore::publish(const Run& run, Gate heeded) {
  const Placed placed = place_alone(run, heeded == Gate::ignore ? SignalGate::unlimited : gate.limit());
  if (placed.outcome != Placed::Outcome::published) [[unlikely]]
    return publish_among_several(run, heeded);
  notify(run, placed.first);
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
      notify(run, placed.first);
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
  const auto first = ring.claim_alone_up_to(count, limit);
  if (!first) [[unlikely]]
    return {ring.is_closed() ? Placed::Outcome::closed : Placed::Outcome::no_room};
  auto at = alone_at_.place() == *first ? alone_at_ : ring.walk(*first);
  for (std::size_t i = 0; i < count; ++i, at.next()) {
    if (at.place() + slots_ahead < limit)  // beyond it somebody is still reading
      prefetch_to_write(at, run, i);
    write(at, run, i);
  }
  alone_at_ = at;
  return {Placed::Outcome::published, *first};
}

template <class Run>
SignalCore::Placed SignalCore::place_among_several(const Run& run, std::uint64_t limit) noexcept {
  const std::size_t count = run.size();
  const auto first = limit == SignalGate::unlimited ? ring.claim_shared(count) : ring.claim_shared_up_to(count, limit);
  if (!first) [[unlikely]]
    return {ring.is_closed() || limit == SignalGate::unlimited ? Placed::Outcome::closed : Placed::Outcome::no_room};
  auto at = ring.walk(*first);
  for (std::size_t i = 0; i < count; ++i, at.next()) {
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
  ring.write(at, [&](SignalRing::Words& words) { run.write(i, WritableWords{words, second_lines[at.slot()]}); });
  if (former != nullptr) [[unlikely]]
    large.retire(former, at.place() - options.capacity);
}

template <class Run>
[[gnu::always_inline]] inline void SignalCore::prefetch_to_write(const SignalRing::Walk& at, const Run& run,
                                                                 std::size_t i) const noexcept {
  ring.prefetch_to_write(at, slots_ahead);
  if (run.uses_second_line(i) && at.slot() + slots_ahead < options.capacity)
    theus::prefetch_to_write(&second_lines[at.slot() + slots_ahead]);
}

template <class Run>
[[gnu::always_inline]] inline void SignalCore::notify(const Run& run, std::uint64_t first) noexcept {
  fence.light();
  if (sleepers.has_sleepers()) [[unlikely]]
    sleepers.wake();
  if (wakers.any()) [[unlikely]]
    wakers.wake(run.all(), first + run.size());
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
