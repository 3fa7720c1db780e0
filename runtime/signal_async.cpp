#include <theus/signal_receiver.hpp>

#include "runtime/signal_subscriber.hpp"

namespace theus {

SignalReceive::SignalReceive(std::shared_ptr<Subscriber> subscriber, SignalExecutor executor)
    : subscriber_(std::move(subscriber)), executor_(std::move(executor)) {
  if (!executor_)
    // The dispatcher outlives the job: whoever runs it holds the subscriber, which holds the hub's core.
    executor_ = [core = subscriber_->core_handle()](std::function<void()> job) {
      core->dispatcher.run(std::move(job));
    };
}

SignalReceive::SignalReceive(SignalReceive&&) noexcept = default;
SignalReceive& SignalReceive::operator=(SignalReceive&&) noexcept = default;
SignalReceive::~SignalReceive() = default;

void SignalReceive::then(std::function<void(Received)> done) && {
  subscriber_->doorbell().receive(*subscriber_, std::move(executor_), std::move(done));
}

std::future<Received> SignalReceive::future() && {
  auto promise = std::make_shared<std::promise<Received>>();
  auto future = promise->get_future();
  std::move(*this).then([promise](Received received) { promise->set_value(std::move(received)); });
  return future;
}

bool SignalReceive::await_ready() {
  Received received = subscriber_->try_receive();
  if (received.is_empty())
    return false;
  received_ = std::move(received);
  return true;
}

void SignalReceive::await_suspend(std::coroutine_handle<> waiting) {
  // This object lives in the waiting coroutine, which nobody but the callback resumes.
  std::move(*this).then([this, waiting](Received received) {
    received_ = std::move(received);
    waiting.resume();
  });
}

Received SignalReceive::await_resume() { return *std::move(received_); }

}  // namespace theus
