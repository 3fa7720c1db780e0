#pragma once

// One subscription: a private cursor in the hub's ring. Taking an event writes nothing that others write.

#include "runtime/signal_core.hpp"
#include "runtime/signal_doorbell.hpp"

#include <unordered_map>

namespace theus {

class alignas(128) Subscriber : public std::enable_shared_from_this<Subscriber> {
public:
  Subscriber(std::shared_ptr<SignalCore> core, const SubscribeOptions& options);

  /// Finds its place. To be called once, when it is registered.
  void start();

  // Receiving; any thread.

  static constexpr auto no_timeout = std::chrono::nanoseconds::max();

  Received try_receive();
  Received receive(std::chrono::nanoseconds timeout);
  ReceivedBatch try_receive(std::vector<Event>& events, std::size_t limit);
  ReceivedBatch receive(std::vector<Event>& events, std::size_t limit, std::chrono::nanoseconds timeout);
  void try_receive(EventBatch& batch);
  void receive(EventBatch& batch, std::chrono::nanoseconds timeout);
  /// Goes on with what comes from now on; what was there counts as filtered.
  void skip_to_newest();

  // Waking.

  Doorbell& doorbell() noexcept { return doorbell_; }
  /// True: the doorbell will ring once. False: there is something already.
  bool arm();

  // For the hub; any thread.

  const std::string& name() const noexcept { return options_.name; }
  bool is_gated() const noexcept { return options_.overflow.kind_ != SignalOverflow::Kind::drop_oldest; }
  bool refuses_when_full() const noexcept { return options_.overflow.kind_ == SignalOverflow::Kind::fail; }
  std::chrono::nanoseconds block_timeout() const noexcept { return options_.overflow.timeout_; }
  std::uint64_t next() const noexcept { return next_.load(std::memory_order_acquire); }
  void evict() noexcept { end(End::evicted); }
  void close() noexcept { end(End::closed); }
  /// Whether it wants events of that topic, or may want them; 0 = a name that is not interned.
  bool wants(std::uint32_t topic) const;
  /// Where it should skip what it does not want, before that overruns it.
  std::uint64_t skips_at() const noexcept { return next() + core_->options.capacity / 2; }
  SubscriberStatistics statistics(Deadline now);
  const Hazard& hazard() const noexcept { return hazard_; }
  SignalCore& core() const noexcept { return *core_; }
  const std::shared_ptr<SignalCore>& core_handle() const noexcept { return core_; }
  static Received closed() { return Received{Received::Kind::closed}; }

private:
  friend class SignalWakers;
  struct EventRoom;
  struct BatchRoom;

  struct Turn {
    BiasedEntry::Inside inside;
    std::unique_lock<std::mutex> lock;
  };
  struct Hearing {
    static constexpr std::uint32_t unknown = ~std::uint32_t{0};
    const Topic* topic = nullptr;  // nothing: a name that is not interned
    std::uint32_t id = unknown;
    bool wanted = false;
  };

  // Why nothing more is given out, whatever is in the ring.
  enum class End : std::uint8_t { none, evicted, closed };
  void end(End reason) noexcept {
    End none = End::none;
    end_.compare_exchange_strong(none, reason);
  }

  // Events taken in one go, and why there are no more: `event` when there may be.
  struct Run {
    std::size_t count;
    Received::Kind ended;
  };
  enum class Fill : std::uint8_t { wanted, unwanted, lost, gap };
  struct Conflated {
    std::string name;
    Value member;
    friend bool operator==(const Conflated&, const Conflated&) = default;
  };
  struct ConflatedHash {
    std::size_t operator()(const Conflated& key) const noexcept {
      return std::hash<std::string>{}(key.name) ^ key.member.hash();
    }
  };
  struct Pending {
    const Conflated* key;
    Event event;
  };

  Turn enter();
  /// Takes what there is, or what it can pull. Outside a Turn: whoever is woken by that may come here.
  template <class Take>
  bool take_or_pull(const Take& take);
  template <class Take>
  void wait(std::chrono::nanoseconds timeout, int pauses, const Take& take);
  int pauses_of_one();
  bool is_anything_new();

  // REQUIRES for all that follow: inside a Turn.
  ReceivedBatch take_batch(std::vector<Event>& events, std::size_t limit);
  Received::Kind take(Event& event, std::uint64_t& lost);
  // Room is EventRoom or BatchRoom.
  template <class Room>
  Run take_run(Room room);
  Run take_one(Event& event);
  Run take_conflated(Event& event);
  void take_batch(EventBatch& batch);
  Fill fill(Event& event, SignalRing::Walk at, SignalHead head, const Topic* topic);
  std::uint64_t skip_lost() noexcept;
  void move_to(std::uint64_t place) noexcept;
  static void add(std::atomic<std::uint64_t>& counter, std::uint64_t count) noexcept;
  Hearing hear(std::uint32_t topic) {
    if (topic < heard_.size() && heard_[topic].id == topic) [[likely]]
      return heard_[topic];
    return hear_first(topic);
  }
  Hearing hear_first(std::uint32_t topic);
  bool is_conflating() const noexcept { return options_.conflation.kind_ != SignalConflation::Kind::none; }

  const std::shared_ptr<SignalCore> core_;
  const SubscribeOptions options_;
  const NamePattern filter_;
  Doorbell doorbell_;

  BiasedEntry entry_;
  std::mutex shared_entry_;

  // Written inside a Turn; the atomics are read by anybody.
  alignas(128) std::atomic<std::uint64_t> next_{0};
  Hazard hazard_;
  std::atomic<std::uint64_t> received_{0};
  std::atomic<std::uint64_t> lagged_{0};
  std::atomic<std::uint64_t> filtered_{0};
  std::atomic<std::uint64_t> conflated_{0};
  std::vector<Hearing> heard_;  // by topic id
  // Conflated events in the order in which their keys began to wait, and where each key is: its place in pending_
  // plus delivered_, the number of those that have left it.
  std::deque<Pending> pending_;
  std::unordered_map<Conflated, std::uint64_t, ConflatedHash> pending_at_;
  std::uint64_t delivered_ = 0;
  std::uint64_t gap_ = 0;      // of the record at next_, when that was seen to be one
  SignalGaps::Sum gaps_seen_;  // before next_
  std::atomic<std::uint64_t> pending_count_{0};

  // Guesses of how fast events come, by whoever waits; nothing depends on them but the time between two looks.
  std::atomic<std::uint64_t> received_before_wait_{0};
  std::atomic<std::uint32_t> waits_{0};
  std::atomic<int> batch_pauses_{0};

  std::atomic<End> end_{End::none};

  // Guarded by the registry.
  std::uint64_t seen_received_ = 0;
  std::uint64_t seen_next_ = ~std::uint64_t{0};
  Deadline seen_at_{};

  // Guarded by the wakers.
  WakerCall waker_call_;
};

}  // namespace theus
