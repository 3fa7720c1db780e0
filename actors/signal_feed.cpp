#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"

#include <algorithm>

namespace theus::actors {

SignalFeed::SignalFeed(SubscriptionId id, SignalReceiver receiver, const caf::actor& subscriber, std::size_t budget)
    : id_(id),
      subscriber_(caf::actor_cast<caf::weak_actor_ptr>(subscriber)),
      subscriber_id_(subscriber.id()),
      budget_(budget),
      batch_(std::min(budget, part_max)),
      receiver_(std::move(receiver)) {}

void SignalFeed::start() {
  receiver_.set_waker([this] { wake(); });
  await();
}

bool SignalFeed::take_part(bool has_taken) {
  receiver_.recv_batch(batch_);
  if (batch_)
    return true;
  if (batch_.is_closed()) {
    tell_subscriber(SignalsEnded{id_});
    return false;
  }
  if (batch_.is_lagged())
    tell_subscriber(SignalLag{id_, batch_.lagged()});
  // The next turn looks again before it arms: arming fences all threads, which costs more than a message to itself.
  if (batch_.is_lagged() || has_taken)
    tell_batch();
  else
    await();
  return false;
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
