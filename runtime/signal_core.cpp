#include "runtime/signal_core.hpp"

#include "runtime/signal_subscriber.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace theus {
namespace {

std::byte* map_zeroed(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    throw std::bad_alloc{};
  return static_cast<std::byte*>(memory);
}

}  // namespace

void SignalCore::Unmap::operator()(std::byte* memory) const noexcept { ::munmap(memory, bytes); }

SignalCore::SignalCore(const SignalHubOptions& wanted)
    : options(wanted),
      topics(wanted.topics_max),
      memory_(map_zeroed(SignalRing::bytes(wanted.capacity)), Unmap{SignalRing::bytes(wanted.capacity)}),
      ring(SignalRing::create({memory_.get(), SignalRing::bytes(wanted.capacity)}, wanted.capacity)),
      large(fence),
      gate(fence, wanted.capacity),
      producers_(fence) {}

SignalCore::~SignalCore() {
  for (std::uint64_t place = ring.oldest(); place < ring.tail() && large.any(); ++place)
    if (LargeEvent* event = large_at(place))
      large.retire(event, place);
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

Result<std::uint64_t> SignalCore::publish(std::span<const SignalRecord> records) {
  // Gated subscribers could never make room for more than the capacity at once.
  const auto part = records.first(std::min(records.size(), options.capacity));
  auto first = publish(0, part, Gate::wait);
  if (!first) [[unlikely]]
    refuse(records);
  else if (part.size() < records.size())
    // What a later part is refused is counted there; the caller's first event has been published.
    static_cast<void>(publish(records.subspan(part.size())).ok());
  return first;
}

Result<std::uint64_t> SignalCore::try_publish(const SignalRecord& record) {
  auto place = publish(0, {&record, 1}, Gate::refuse);
  if (!place)
    refuse({&record, 1});
  return place;
}

Result<std::uint64_t> SignalCore::publish_commit(std::uint64_t version, std::span<SignalRecord> records) {
  for (std::size_t i = 0; i < records.size(); ++i)
    records[i].head.index = static_cast<std::uint32_t>(i);
  auto first = publish(version, records, Gate::ignore);
  if (!first)
    refuse(records);
  return first;
}

void SignalCore::refuse(std::span<const SignalRecord> records) noexcept {
  count_refused(records.size());
  for (const SignalRecord& record : records)
    if (record.head.form == PayloadForm::large)
      large.drop(record.large());
}

Result<std::uint64_t> SignalCore::publish(std::uint64_t version, std::span<const SignalRecord> records, Gate heeded) {
  const bool gated = heeded != Gate::ignore;
  while (true) {
    Placed placed = publish_alone(version, records, gated);
    if (placed.outcome == Placed::Outcome::taken && !producers_.is_gone() && producers_.take_over())
      continue;
    if (placed.outcome == Placed::Outcome::taken)
      placed = publish_among_several(version, records, gated);
    if (placed.outcome == Placed::Outcome::published) [[likely]] {
      notify(records);
      return placed.first;
    }
    if (placed.outcome == Placed::Outcome::closed)
      return Error{Errc::closed, "SignalHub", "the hub is closed"};
    const auto tail = [&] { return ring.tail(); };
    if (Status admitted =
            heeded == Gate::wait ? gate.admit(records.size(), tail) : gate.admit_now(records.size(), tail);
        !admitted)
      return admitted.error();
  }
}

SignalCore::Placed SignalCore::publish_alone(std::uint64_t version, std::span<const SignalRecord> records,
                                             bool gated) noexcept {
  const auto inside = producers_.enter();
  if (!inside) [[unlikely]]
    return {Placed::Outcome::taken};
  if (gated && ring.tail() + records.size() > gate.limit()) [[unlikely]]
    return {Placed::Outcome::no_room};
  const auto first = ring.claim_alone(records.size());
  if (!first) [[unlikely]]
    return {Placed::Outcome::closed};
  for (std::uint64_t i = 0; i < records.size(); ++i)
    write(*first + i, version, records[i]);
  return {Placed::Outcome::published, *first};
}

SignalCore::Placed SignalCore::publish_among_several(std::uint64_t version, std::span<const SignalRecord> records,
                                                     bool gated) noexcept {
  const std::uint64_t limit = gated ? gate.limit() : SignalGate::unlimited;
  const auto first = limit == SignalGate::unlimited ? ring.claim_shared(records.size())
                                                    : ring.claim_shared_up_to(records.size(), limit);
  if (!first) [[unlikely]]
    return {ring.is_closed() || limit == SignalGate::unlimited ? Placed::Outcome::closed : Placed::Outcome::no_room};
  for (std::uint64_t i = 0; i < records.size(); ++i) {
    ring.await_former(*first + i);
    write(*first + i, version, records[i]);
  }
  return {Placed::Outcome::published, *first};
}

// The large event that the slot of this place holds, or nullptr. REQUIRES: the caller owns the slot, or is alone.
LargeEvent* SignalCore::large_at(std::uint64_t place) const noexcept {
  const auto& words = ring.former_words(place);
  const auto head = SignalHead::of(words[0].load(std::memory_order_relaxed));
  return head.form == PayloadForm::large ? std::bit_cast<LargeEvent*>(words[2].load(std::memory_order_relaxed))
                                         : nullptr;
}

void SignalCore::write(std::uint64_t place, std::uint64_t version, const SignalRecord& record) noexcept {
  LargeEvent* former = large.any() ? large_at(place) : nullptr;
  ring.write(place, [&](SignalRing::Words& words) {
    words[0].store(record.head.word(), std::memory_order_relaxed);
    words[1].store(version, std::memory_order_relaxed);
    for (std::size_t i = 0; i < record.words(); ++i)
      words[2 + i].store(record.payload[i], std::memory_order_relaxed);
  });
  if (former != nullptr) [[unlikely]]
    large.retire(former, place - options.capacity);
}

void SignalCore::notify(std::span<const SignalRecord> records) noexcept {
  fence.light();
  if (sleepers.has_sleepers()) [[unlikely]]
    sleepers.wake();
  if (wakers.any()) [[unlikely]]
    wakers.wake(records);
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
