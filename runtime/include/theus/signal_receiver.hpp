#pragma once

#include <theus/event_batch.hpp>
#include <theus/signal_event.hpp>

#include <chrono>
#include <coroutine>
#include <functional>
#include <future>
#include <optional>

namespace theus {

/// Where a subscription starts.
class SignalStart {
public:
  /// Only what is sent after subscribing.
  static SignalStart now() noexcept { return {Kind::now, 0}; }
  /// The last `count` events, as far as they are kept.
  static SignalStart last(std::uint64_t count) noexcept { return {Kind::last, count}; }
  /// The event of that sequence; what is no longer kept is reported as lagged.
  static SignalStart sequence(std::uint64_t number) noexcept { return {Kind::sequence, number}; }

private:
  friend class Subscriber;
  enum class Kind : std::uint8_t { now, last, sequence };
  SignalStart(Kind kind, std::uint64_t number) noexcept : kind_(kind), number_(number) {}

  Kind kind_;
  std::uint64_t number_;
};

/// What happens when a subscriber is a whole capacity behind.
class SignalOverflow {
public:
  /// It loses the oldest events and is told how many. Senders never wait.
  static SignalOverflow drop_oldest() noexcept { return {Kind::drop_oldest, {}}; }
  /// Senders wait for it, at most `timeout` per send; then it is evicted: it sees `closed`, senders go on.
  static SignalOverflow block(std::chrono::nanoseconds timeout) noexcept { return {Kind::block, timeout}; }
  /// Sends are refused (`overloaded`) until it has caught up.
  static SignalOverflow fail() noexcept { return {Kind::fail, {}}; }

private:
  friend class Subscriber;
  friend class SignalGate;
  enum class Kind : std::uint8_t { drop_oldest, block, fail };
  SignalOverflow(Kind kind, std::chrono::nanoseconds timeout) noexcept : kind_(kind), timeout_(timeout) {}

  Kind kind_;
  std::chrono::nanoseconds timeout_;
};

/// Whether only the latest event per key is wanted.
class SignalConflation {
public:
  static SignalConflation none() { return {Kind::none, {}}; }
  /// The key is the signal's name.
  static SignalConflation by_name() { return {Kind::name, {}}; }
  /// The key is the name together with this member of the payload.
  static SignalConflation by_member(std::string member) { return {Kind::member, std::move(member)}; }

private:
  friend class Subscriber;
  enum class Kind : std::uint8_t { none, name, member };
  SignalConflation(Kind kind, std::string member) : kind_(kind), member_(std::move(member)) {}

  Kind kind_;
  std::string member_;
};

struct SubscribeOptions {
  SignalStart from = SignalStart::now();
  /// A glob over names: `sensor.*` (one segment), `sensor.**` (any depth).
  std::string filter = "**";
  /// Stands in statistics and errors.
  std::string name = {};
  SignalOverflow overflow = SignalOverflow::drop_oldest();
  /// After a loss: go on with the newest event instead of near the oldest one kept.
  bool resume_at_newest = false;
  SignalConflation conflation = SignalConflation::none();
  /// How long recv() looks for events itself before it sleeps. Waking a sleeper costs about 20 microseconds.
  std::chrono::nanoseconds spin = std::chrono::microseconds{20};
};

/// Counts of one subscription. received + lagged + filtered + conflated + depth == published since its start.
struct SubscriberStatistics {
  std::string name;
  std::uint64_t received = 0;
  std::uint64_t lagged = 0;
  std::uint64_t filtered = 0;   ///< not matched by the filter
  std::uint64_t conflated = 0;  ///< replaced by a later event of the same key
  std::uint64_t depth = 0;      ///< sent and not yet taken
  /// How long there has been something to take and nothing was taken, as far as calls of statistics() could see.
  std::chrono::nanoseconds age{0};
  bool evicted = false;
};

/// Runs a job later, on a thread of its choice, or at once. Jobs must be run; they do not throw unless what is called
/// back throws.
using SignalExecutor = std::function<void(std::function<void()>)>;

/// A receive that nobody waits for, to be finished in one of three ways, once: `co_await receiver.recv_async()`,
/// `receiver.recv_async().future()` or `receiver.recv_async().then(callback)`. The callback, or the rest of the
/// coroutine unless there was something at once, runs on the executor; without one on a thread of the hub, which it
/// should not hold for long. When the receiver goes first, the outcome is `closed`.
/// Await into a variable: g++ 12 miscompiles a co_await inside the arguments of a call in a loop's condition.
class [[nodiscard]] SignalReceive {
public:
  SignalReceive(SignalReceive&&) noexcept;
  SignalReceive& operator=(SignalReceive&&) noexcept;
  ~SignalReceive();

  /// `done` must not throw. Throws LogicError bad_argument when a receive of this receiver is under way.
  void then(std::function<void(Received)> done) &&;
  std::future<Received> future() &&;

  bool await_ready();
  void await_suspend(std::coroutine_handle<> waiting);
  Received await_resume();

private:
  friend class SignalReceiver;
  SignalReceive(std::shared_ptr<class Subscriber> subscriber, SignalExecutor executor);

  std::shared_ptr<class Subscriber> subscriber_;
  SignalExecutor executor_;
  std::optional<Received> received_;
};

/// One subscription. Several threads may receive from it: each event goes to exactly one of them. Commands other than
/// receives need the caller's own care. Destroying it unsubscribes; no thread may be inside it then.
class SignalReceiver {
public:
  SignalReceiver(SignalReceiver&&) noexcept;
  SignalReceiver& operator=(SignalReceiver&&) noexcept;
  ~SignalReceiver();

  /// Waits, without using the processor, for event | lagged | closed.
  Received recv();
  /// The same, or timeout.
  Received recv(std::chrono::nanoseconds timeout);
  /// event | lagged | closed | empty, at once.
  Received try_recv();

  /// Takes up to `limit` events at once, without waiting; as many calls of try_recv(), only cheaper. Their storage,
  /// and that of what they hold, is kept in `events` and used again by the next call with it.
  ReceivedBatch recv_batch(std::vector<Event>& events, std::size_t limit);
  /// The same, but waits for the first event, lagged or closed at most `timeout`.
  ReceivedBatch recv_batch(std::vector<Event>& events, std::size_t limit, std::chrono::nanoseconds timeout);

  /// The same into a batch, which is cheaper still, and then returns it: as many events as it has room for, without
  /// waiting, or why there are none.
  EventBatch& recv_batch(EventBatch& batch);
  /// The same, but waits for the first event, lagged or closed at most `timeout`. Made for streams: while events come
  /// fast it looks less often, up to a few microseconds apart, to take more of them at once.
  EventBatch& recv_batch(EventBatch& batch, std::chrono::nanoseconds timeout);

  // Being told instead of waiting. A receiver uses one of these three; another is refused with LogicError bad_argument.

  SignalReceive recv_async(SignalExecutor executor = {});

  /// For poll() and its like: a file descriptor, the receiver's own, that is readable while there may be something to
  /// receive. Receive until empty; that receive makes it unreadable.
  int event_fd();

  /// For actors and event loops: sets what arm() arms. It is called on a sender's thread, so it must be quick, must not
  /// throw and must not wait; it may be set once.
  void set_waker(std::function<void()> waker);
  /// True: the waker will be called once, as soon as there may be something to receive. False: there already is.
  /// REQUIRES: set_waker().
  bool arm();

  /// Ends the subscription from any thread: receives under way and later ones give `closed`, whatever is left.
  void close();

  SubscriberStatistics statistics() const;

private:
  friend class SignalExport;
  friend class SignalHub;
  explicit SignalReceiver(std::shared_ptr<class Subscriber> subscriber) noexcept;

  std::shared_ptr<class Subscriber> subscriber_;
};

}  // namespace theus
