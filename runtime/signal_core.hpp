#pragma once

// The hub behind <theus/signal_hub.hpp>: who may publish when, and who hears of it.
//
// Ways of an event: a record is built by the sender, gets its place, is written into the ring, sleepers are woken.
// The place is given out by the only sending thread (no atomic read-modify-write) or, once several send, by tickets.
// Locks, none of them on the way of an event unless somebody is gated or asleep; none is held while taking another:
//   gate (gate.change_)   room for gated subscribers        registry_change_   who is subscribed
//   large (large.change_) retired events                    wakers_change_     who wants to be called

#include "runtime/biased_entry.hpp"
#include "runtime/mapped_pages.hpp"
#include "runtime/signal_copied_run.hpp"
#include "runtime/signal_dispatcher.hpp"
#include "runtime/signal_gaps.hpp"
#include "runtime/signal_gate.hpp"
#include "runtime/signal_record.hpp"
#include "runtime/signal_wakers.hpp"

#include <theus/signal_hub.hpp>

namespace theus {

class Subscriber;

class SignalCore : public std::enable_shared_from_this<SignalCore> {
public:
  /// Where events are kept: in memory of its own, or in some that other processes can read.
  enum class Memory : std::uint8_t { own, shared };

  /// Throws bad_alloc, and LogicError for options out of range. When the system gives no memory that could be shared,
  /// it takes its own.
  explicit SignalCore(const SignalHubOptions& options, Memory memory = Memory::own);
  ~SignalCore();
  SignalCore(const SignalCore&) = delete;
  SignalCore& operator=(const SignalCore&) = delete;

  const SignalHubOptions options;
  const AsymmetricFence fence;
  TopicTable topics;

  /// The ring, then all second lines.
  const MappedPages memory;
  static std::size_t memory_bytes(std::uint64_t capacity) noexcept {
    return SignalRing::bytes(capacity) + capacity * sizeof(SecondLine);
  }

  const SignalRing ring;
  SecondLine* const second_lines;
  LargeEvents large;
  SignalGate gate;
  SignalGaps gaps;
  Parking sleepers;
  SignalWakers wakers;
  SignalDispatcher dispatcher;
  /// Of a hub that only relays another one: where signals go; see signal_relay.hpp. Constant once somebody sends.
  class SignalOutlet* outlet = nullptr;
  /// Of such a hub: where from receivers may fetch what comes; or nothing. Constant once somebody receives.
  std::shared_ptr<class SignalSource> source;

  // Records.

  /// Makes it one of the content, unless that is too large or the name not interned.
  static bool fit(SignalRecord& record, const Topic* topic, const Value& payload);
  static bool fit(SignalRecord& record, const Topic* topic, std::initializer_list<Member> members);
  static bool fit(SignalRecord& record, const Topic* topic, std::span<const std::byte> bytes);
  SignalRecord record(const Topic* topic, std::string_view name, const Value& payload);
  SignalRecord record(const Topic* topic, std::string_view name, std::initializer_list<Member> members);
  SignalRecord record(const Topic* topic, std::string_view name, std::span<const std::byte> bytes);

  // Producers. The sequence of the first record, which is its place and one; or 0, and all are counted as refused.

  /// At consecutive places when there are at most `capacity` of them.
  std::uint64_t publish(std::span<const SignalRecord> records);
  std::uint64_t publish(const ByteRun& bytes);
  std::uint64_t publish(const SignalRecord& record);
  /// REQUIRES: at most payload_bytes_inline_max bytes.
  std::uint64_t publish(const Topic& topic, std::span<const std::byte> bytes);
  /// Refused where publish() would wait: closed or overloaded.
  Result<std::uint64_t> try_publish(const SignalRecord& record);
  /// At consecutive places, waiting for nobody; each with its index.
  std::uint64_t publish_commit(std::uint64_t version, std::span<SignalRecord> records);
  /// An event of another hub, or word of events that it lost, with the index that stands in it.
  void relay(std::uint64_t version, const SignalRecord& record);
  void relay(const CopiedRun& run);
  /// Each as by try_publish(), only cheaper.
  void admit(std::span<const SignalRecord> records);
  void close();

  void count_refused(std::uint64_t events) noexcept { refused_.fetch_add(events, std::memory_order_relaxed); }
  void count_rate_limited() noexcept {
    rate_limited_.fetch_add(1, std::memory_order_relaxed);
    count_refused(1);
  }

  // Subscribers.

  /// Errors: overloaded.
  Status add(const std::shared_ptr<Subscriber>& subscriber);
  /// From now on it is given nothing, and senders do not wait for it.
  void close(Subscriber& subscriber);
  void remove(Subscriber& subscriber) noexcept;
  /// Lets every producer that is publishing at the time of the call finish its step.
  void drain_producers() { producers_.wait_outside(); }

  SignalHubStatistics statistics() const;
  SubscriberStatistics statistics_of(Subscriber& subscriber) const;

private:
  template <class PackInto>
  static bool fit(SignalRecord& record, const Topic* topic, PayloadForm form, const PackInto& pack_into);
  template <class Content, class Build>
  SignalRecord make_record(const Topic* topic, std::string_view name, const Content& content, const Build& build);

  struct Placed {
    enum class Outcome : std::uint8_t { published, taken, no_room, closed };
    Outcome outcome;
    std::uint64_t first = 0;
  };

  // What to do where a gated subscriber would be overrun.
  enum class Gate : std::uint8_t { ignore, wait, refuse };

  // A Run is a RecordRun, a ByteRun or a CopiedRun, a Single one of their records.
  template <class Single>
  std::uint64_t publish_single(const Single& record);
  template <class Single>
  std::uint64_t place_single(const Single& record) noexcept;
  template <class Single>
  std::uint64_t publish_anyhow(Single record);
  template <class Run>
  std::uint64_t publish_in_parts(const Run& run);
  template <class Run>
  Placed publish(const Run& run, Gate heeded);
  template <class Run>
  Placed publish_among_several(const Run& run, Gate heeded);
  template <class Run>
  Placed place_alone(const Run& run, std::uint64_t limit) noexcept;
  template <class Run>
  Placed place_among_several(const Run& run, std::uint64_t limit) noexcept;
  template <class Run>
  void write(const SignalRing::Walk& at, const Run& run, std::size_t i) noexcept;
  template <class Run>
  void prefetch_to_write(const SignalRing::Walk& at, const Run& run, std::size_t i) const noexcept;
  template <class Run>
  void put(const SignalRing::Walk& at, const Run& run, std::size_t i) noexcept;
  template <class Run>
  std::uint64_t notify(const Run& run, std::uint64_t end) noexcept;
  template <class Run>
  std::uint64_t wake(Run run, std::uint64_t end) noexcept;
  LargeEvent* large_at(const SignalRing::Walk& at) const noexcept;
  void refuse(std::span<const SignalRecord> records) noexcept;

  BiasedEntry producers_;
  SignalRing::Walk alone_at_;  // the tail, as long as producers_ has a holder; of the thread inside
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> rate_limited_{0};
  mutable std::mutex registry_change_;
  std::vector<std::shared_ptr<Subscriber>> registry_;
};

}  // namespace theus
