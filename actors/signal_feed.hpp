#pragma once

// One actor's subscription, which the actor drains itself, in its own turns.
//
// Invariants: (1) At most one SignalBatch is under way per feed, so that however many signals are sent, the mailbox
// holds one message for them. (2) While none is under way the receiver is armed, and the next signal that is wanted
// sends one, from its sender's thread. (3) Messages hold the feed, the feed knows its actor weakly: neither keeps a
// dead one alive. (4) SignalsEnded is sent once, as the last message.

#include <theus/signal_hub.hpp>

#include <caf/actor.hpp>
#include <caf/actor_addr.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace theus::actors {

/// Told apart within one engine, from 1.
using SubscriptionId = std::uint64_t;

class SignalFeed;
using SignalFeedPtr = std::shared_ptr<SignalFeed>;

/// To a subscriber: signals wait. It must take() them from the feed, which also sees to the next message.
struct SignalBatch {
  SignalFeedPtr feed;
};
/// To a subscriber, between two batches: so many signals were overwritten before it took them.
struct SignalLag {
  SubscriptionId subscription = 0;
  std::uint64_t lost = 0;
};
/// To a subscriber: nothing more will come. The hub was closed, or the subscription was evicted or ended.
struct SignalsEnded {
  SubscriptionId subscription = 0;
};

class SignalFeed : public std::enable_shared_from_this<SignalFeed> {
public:
  static constexpr std::size_t default_budget = 256;

  /// `budget`: signals that one turn may take at most.
  SignalFeed(SubscriptionId id, SignalReceiver receiver, const caf::actor& subscriber, std::size_t budget);
  /// To be called once, when the feed is owned.
  void start();

  SubscriptionId id() const noexcept { return id_; }

  /// Calls `visit(EventView)` for the signals of this turn, in order, and returns their number; 0 when there is a loss
  /// or the end to be told first. REQUIRES: the subscriber's turn; a SignalBatch of this feed, not taken before.
  template <class Visit>
  std::size_t take(const Visit& visit) {
    std::size_t taken = 0;
    while (taken + batch_.capacity() <= budget_) {
      if (!take_part(taken > 0))
        return taken;
      for (const EventView event : batch_)
        visit(event);
      taken += batch_.size();
    }
    tell_batch();
    return taken;
  }

  /// Ends the subscription. From any thread.
  void close() { receiver_.close(); }

  // For the HUB.

  caf::actor_addr subscriber() const { return caf::actor_cast<caf::actor_addr>(subscriber_); }
  caf::actor_id subscriber_id() const noexcept { return subscriber_id_; }
  /// Whether its actor may still take something.
  bool is_alive() const;
  SubscriberStatistics statistics() const { return receiver_.statistics(); }
  /// How often it was idle and a sender woke it.
  std::uint64_t wakes() const noexcept { return wakes_.load(std::memory_order_relaxed); }

private:
  // What is received in one go, small enough to stay in the nearest cache.
  static constexpr std::size_t part_max = 64;

  // Whether there is a part; if not, the next message is on its way or awaited.
  bool take_part(bool has_taken);
  void wake();
  template <class Message>
  void tell_subscriber(Message message) const;
  void tell_batch();
  void await();

  const SubscriptionId id_;
  const caf::weak_actor_ptr subscriber_;
  const caf::actor_id subscriber_id_;
  const std::size_t budget_;
  std::atomic<std::uint64_t> wakes_{0};

  EventBatch batch_;  // of the subscriber's turns

  SignalReceiver receiver_;  // last: its end waits for a waker that uses all of the above
};

}  // namespace theus::actors
