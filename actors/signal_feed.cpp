#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"

namespace theus::actors {

SignalFeed::SignalFeed(SubscriptionId id, SignalReceiver receiver, const caf::actor& subscriber, std::size_t budget)
    : id_(id),
      subscriber_(caf::actor_cast<caf::weak_actor_ptr>(subscriber)),
      subscriber_id_(subscriber.id()),
      budget_(budget),
      receiver_(std::move(receiver)) {}

void SignalFeed::start() {
  receiver_.set_waker([this] { wake(); });
  await();
}

std::span<const Event> SignalFeed::take() {
  const ReceivedBatch batch = receiver_.recv_batch(events_, budget_);
  if (batch.is_closed()) {
    tell_subscriber(SignalsEnded{id_});
    return {};
  }
  if (batch.is_lagged()) {
    tell_subscriber(SignalLag{id_, batch.lagged()});
    tell_batch();
    return {};
  }
  if (batch.is_empty()) {
    await();
    return {};
  }
  // The next turn looks again before it arms: arming fences all threads, which costs more than a message to itself.
  tell_batch();
  return batch.events();
}

bool SignalFeed::is_alive() const {
  const auto subscriber = caf::actor_cast<caf::strong_actor_ptr>(subscriber_);
  return subscriber &&
         !caf::actor_cast<caf::abstract_actor*>(subscriber)->getf(caf::abstract_actor::is_terminated_flag);
}

void SignalFeed::wake() {
  wakes_.fetch_add(1, std::memory_order_relaxed);
  tell_batch();
}

void SignalFeed::await() {
  if (!receiver_.arm())
    tell_batch();
}

template <class Message>
void SignalFeed::tell_subscriber(Message message) const {
  if (const auto subscriber = caf::actor_cast<caf::strong_actor_ptr>(subscriber_))
    tell(caf::actor_cast<caf::actor>(subscriber), std::move(message));
}

void SignalFeed::tell_batch() {
  // A feed that is being destroyed has nobody to tell any more.
  if (auto self = weak_from_this().lock())
    tell_subscriber(SignalBatch{std::move(self)});
}

}  // namespace theus::actors
