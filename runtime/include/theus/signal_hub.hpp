#pragma once

#include <theus/signal.hpp>
#include <theus/signal_event.hpp>
#include <theus/signal_receiver.hpp>

namespace theus {

/// A name that one hub has interned, so that sending needs no look-up. Valid as long as that hub.
class SignalTopic {
public:
  std::string_view name() const noexcept;

private:
  friend class SignalHub;
  explicit SignalTopic(const struct Topic* topic) noexcept : topic_(topic) {}

  const struct Topic* topic_;
};

struct SignalHubOptions {
  /// Events kept for receivers, exactly; 1 to 2^24. Memory: 128 bytes each, and the payloads beyond 104 bytes.
  std::size_t capacity = 1000;
  /// Distinct names that are interned; events of further names are delivered too, only slower. 1 to 2^20.
  std::size_t topics_max = 4096;
  std::size_t subscribers_max = 65536;
};

struct SignalHubStatistics {
  std::uint64_t published = 0;
  std::uint64_t refused = 0;  ///< by a closed hub, a rate limit or a subscriber's overflow `fail`
  std::uint64_t rate_limited = 0;
  std::uint64_t evicted = 0;  ///< subscribers that blocked senders for too long
  std::size_t topics = 0;
  std::vector<SubscriberStatistics> subscribers;
};

/// Sends every signal to every subscriber, in one order that all share; each producer's signals stay in its order.
///
/// A fixed number of events is kept; a subscriber that is slower than that loses the oldest, is told how many, and
/// delays nobody, unless it asked for another `Overflow`. Thread-safe. Hub and receivers may go in any order; with
/// the hub's end its receivers drain what is left and then see `closed`.
class SignalHub {
public:
  SignalHub() : SignalHub(SignalHubOptions{}) {}
  /// Throws LogicError bad_argument when the capacity is out of range.
  explicit SignalHub(std::size_t capacity) : SignalHub(SignalHubOptions{.capacity = capacity}) {}
  explicit SignalHub(const SignalHubOptions& options);
  SignalHub(SignalHub&&) noexcept;
  SignalHub& operator=(SignalHub&&) noexcept;
  ~SignalHub();

  /// Publishes and returns the event's sequence: from 1, dense. 0 when refused: closed, over a rate limit, or a
  /// subscriber with overflow `fail` is full. Waits for nobody, unless a subscriber asked for overflow `block`.
  std::uint64_t send(std::string_view name, const Value& payload = {});
  /// The same without building the map first: send("tick", {{"time", 1}}).
  std::uint64_t send(std::string_view name, std::initializer_list<Member> members);
  /// The same for plain bytes, which the receiver finds in Payload::bytes().
  std::uint64_t send(std::string_view name, std::span<const std::byte> bytes);
  std::uint64_t send(const SignalTopic& topic, const Value& payload = {});
  std::uint64_t send(const SignalTopic& topic, std::initializer_list<Member> members);
  std::uint64_t send(const SignalTopic& topic, std::span<const std::byte> bytes);

  /// As send(), but waits for nobody at all. Errors: closed; overloaded by a rate limit, or where send() would wait.
  Result<std::uint64_t> try_send(std::string_view name, const Value& payload = {});

  /// Publishes all, at consecutive places when there are no more than the capacity, and returns the first one's
  /// sequence; 0 when refused. Cheaper than as many sends. A rate limit on one of the names refuses that one only.
  std::uint64_t send_batch(std::span<const Signal> signals);
  /// The same for plain bytes of one topic: `bytes` is cut into records of `record_bytes`, the last may be shorter.
  std::uint64_t send_batch(const SignalTopic& topic, std::span<const std::byte> bytes, std::size_t record_bytes);

  /// Publishes the signals of one commit at consecutive places, in order, with its version and their index. Waits for
  /// nobody and heeds no limit: what is committed is also told. Returns the first sequence; 0 when closed or empty.
  std::uint64_t publish_commit(std::uint64_t version, std::span<const Signal> signals);

  SignalTopic topic(std::string_view name);

  /// From now on, everything. Throws OverloadError when there are `subscribers_max`.
  SignalReceiver subscribe() { return subscribe(SubscribeOptions{}); }
  SignalReceiver subscribe(const SubscribeOptions& options);
  /// As subscribe(); errors overloaded.
  Result<SignalReceiver> try_subscribe(const SubscribeOptions& options);

  /// Lets at most `per_second` events of every name that matches `pattern` through, after a burst of as many, and
  /// counts the others as rate_limited; 0 lifts the limit. The latest matching call counts. Commits are exempt.
  void limit_rate(std::string_view pattern, std::uint64_t per_second);

  /// Refuses further sends; receivers drain what is left, then see `closed`. Idempotent.
  void close();

  std::size_t capacity() const noexcept;
  SignalHubStatistics statistics() const;

private:
  friend class SignalExport;
  friend class SignalRelay;
  explicit SignalHub(std::shared_ptr<class SignalCore> core) noexcept;

  std::shared_ptr<class SignalCore> core_;
};

}  // namespace theus
