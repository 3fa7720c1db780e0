#include <theus/signal_receiver.hpp>

#include "runtime/signal_subscriber.hpp"

namespace theus {
SignalReceiver::SignalReceiver(std::shared_ptr<Subscriber> subscriber) noexcept : subscriber_(std::move(subscriber)) {}
SignalReceiver::SignalReceiver(SignalReceiver&&) noexcept = default;

SignalReceiver& SignalReceiver::operator=(SignalReceiver&& other) noexcept {
  SignalReceiver former{std::move(*this)};
  subscriber_ = std::move(other.subscriber_);
  return *this;
}

SignalReceiver::~SignalReceiver() {
  if (!subscriber_)
    return;
  subscriber_->doorbell().abandon();
  subscriber_->core().remove(*subscriber_);
}

Received SignalReceiver::recv() { return subscriber_->receive(Subscriber::no_timeout); }

Received SignalReceiver::recv(std::chrono::nanoseconds timeout) {
  Received received = subscriber_->receive(timeout);
  if (received.is_timeout()) [[unlikely]]
    subscriber_->doorbell().found_nothing(*subscriber_);
  return received;
}

Received SignalReceiver::try_recv() {
  Received received = subscriber_->try_receive();
  if (received.is_empty()) [[unlikely]]
    subscriber_->doorbell().found_nothing(*subscriber_);
  return received;
}

ReceivedBatch SignalReceiver::recv_batch(std::vector<Event>& events, std::size_t limit) {
  const ReceivedBatch batch = subscriber_->try_receive(events, limit);
  if (batch.is_empty()) [[unlikely]]
    subscriber_->doorbell().found_nothing(*subscriber_);
  return batch;
}

ReceivedBatch SignalReceiver::recv_batch(std::vector<Event>& events, std::size_t limit,
                                         std::chrono::nanoseconds timeout) {
  const ReceivedBatch batch = subscriber_->receive(events, limit, timeout);
  if (batch.is_timeout()) [[unlikely]]
    subscriber_->doorbell().found_nothing(*subscriber_);
  return batch;
}

EventBatch& SignalReceiver::recv_batch(EventBatch& batch) {
  subscriber_->try_receive(batch);
  if (batch.is_empty()) [[unlikely]]
    subscriber_->doorbell().found_nothing(*subscriber_);
  return batch;
}

EventBatch& SignalReceiver::recv_batch(EventBatch& batch, std::chrono::nanoseconds timeout) {
  subscriber_->receive(batch, timeout);
  if (batch.is_timeout()) [[unlikely]]
    subscriber_->doorbell().found_nothing(*subscriber_);
  return batch;
}

SignalReceive SignalReceiver::recv_async(SignalExecutor executor) {
  return SignalReceive{subscriber_, std::move(executor)};
}

int SignalReceiver::event_fd() { return subscriber_->doorbell().use_event_fd(*subscriber_); }

void SignalReceiver::set_waker(std::function<void()> waker) { subscriber_->doorbell().use_waker(std::move(waker)); }
bool SignalReceiver::arm() { return subscriber_->arm(); }

void SignalReceiver::close() { subscriber_->core().close(*subscriber_); }

SubscriberStatistics SignalReceiver::statistics() const { return subscriber_->core().statistics_of(*subscriber_); }

}  // namespace theus
