#include <theus/signal_receiver.hpp>

#include "runtime/signal_subscriber.hpp"

namespace theus {
namespace {

Deadline after(std::chrono::nanoseconds timeout) noexcept {
  const Deadline now = std::chrono::steady_clock::now();
  return timeout < no_deadline - now ? now + timeout : no_deadline;
}

}  // namespace

SignalReceiver::SignalReceiver(std::shared_ptr<Subscriber> subscriber) noexcept : subscriber_(std::move(subscriber)) {}
SignalReceiver::SignalReceiver(SignalReceiver&&) noexcept = default;

SignalReceiver& SignalReceiver::operator=(SignalReceiver&& other) noexcept {
  SignalReceiver former{std::move(*this)};
  subscriber_ = std::move(other.subscriber_);
  return *this;
}

SignalReceiver::~SignalReceiver() {
  if (subscriber_)
    subscriber_->core().remove(*subscriber_);
}

Received SignalReceiver::recv() { return subscriber_->receive(no_deadline); }
Received SignalReceiver::recv(std::chrono::nanoseconds timeout) { return subscriber_->receive(after(timeout)); }
Received SignalReceiver::try_recv() { return subscriber_->try_receive(); }

ReceivedBatch SignalReceiver::recv_batch(std::vector<Event>& events, std::size_t limit) {
  return subscriber_->try_receive(events, limit);
}

ReceivedBatch SignalReceiver::recv_batch(std::vector<Event>& events, std::size_t limit,
                                         std::chrono::nanoseconds timeout) {
  return subscriber_->receive(events, limit, after(timeout));
}

void SignalReceiver::set_waker(std::function<void()> waker) { subscriber_->set_waker(std::move(waker)); }
bool SignalReceiver::arm() { return subscriber_->arm(); }

SubscriberStatistics SignalReceiver::statistics() const { return subscriber_->core().statistics_of(*subscriber_); }

}  // namespace theus
