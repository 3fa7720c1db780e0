#include "runtime/signal_doorbell.hpp"

#include "runtime/signal_subscriber.hpp"

#include <theus/errors.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

namespace theus {

Doorbell::~Doorbell() {
  if (event_fd_ >= 0)
    ::close(event_fd_);
}

void Doorbell::ring(Subscriber& subscriber) {
  switch (use_) {
    case Use::nothing: break;
    case Use::waker: waker_(); break;
    case Use::event_fd: ::eventfd_write(event_fd_, 1); break;
    case Use::receive: post_try(subscriber); break;
  }
}

void Doorbell::use_waker(std::function<void()> waker) {
  require(Use::waker);
  waker_ = std::move(waker);
}

int Doorbell::use_event_fd(Subscriber& subscriber) {
  require(Use::event_fd);
  if (event_fd_ < 0) {
    event_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (event_fd_ < 0)
      raise(Error{Errc::resource_exhausted, "SignalReceiver", "the system gave no eventfd",
                  "Raise the limit of open files"});
    found_nothing(subscriber);
  }
  return event_fd_;
}

void Doorbell::found_nothing(Subscriber& subscriber) {
  if (event_fd_ < 0)
    return;
  eventfd_t count = 0;
  ::eventfd_read(event_fd_, &count);
  if (!subscriber.arm())
    ::eventfd_write(event_fd_, 1);
}

void Doorbell::receive(Subscriber& subscriber, SignalExecutor executor, std::function<void(Received)> done) {
  require(Use::receive);
  {
    const std::lock_guard lock{change_};
    if (under_way_)
      raise(Error{Errc::bad_argument, "SignalReceiver", "an asynchronous receive is already under way",
                  "Wait for it, or use a second receiver"});
    under_way_ = {std::move(executor), std::move(done)};
  }
  post_try(subscriber);
}

void Doorbell::abandon() {
  if (auto abandoned = take()) {
    const SignalExecutor executor = std::move(abandoned->executor);
    executor([done = std::move(abandoned->done)] { done(Subscriber::closed()); });
  }
}

void Doorbell::require(Use use) {
  if (use_ != Use::nothing && use_ != use)
    raise(Error{Errc::bad_argument, "SignalReceiver",
                "a receiver uses a waker, an eventfd or asynchronous receives, not two of them",
                "Use a second receiver"});
  use_ = use;
}

void Doorbell::post_try(Subscriber& subscriber) {
  SignalExecutor executor;
  {
    const std::lock_guard lock{change_};
    if (!under_way_)
      return;
    executor = under_way_->executor;
  }
  executor([self = subscriber.shared_from_this()] { self->doorbell().try_receive(*self); });
}

void Doorbell::try_receive(Subscriber& subscriber) {
  while (true) {
    {
      const std::lock_guard lock{change_};
      if (!under_way_)
        return;
    }
    Received received = subscriber.try_receive();
    if (!received.is_empty()) {
      if (const auto finished = take())
        finished->done(std::move(received));
      return;
    }
    if (subscriber.arm())
      return;
  }
}

std::optional<Doorbell::UnderWay> Doorbell::take() {
  const std::lock_guard lock{change_};
  return std::exchange(under_way_, std::nullopt);
}

}  // namespace theus
