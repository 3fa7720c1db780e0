#pragma once

// How one subscriber is told that there may be something: by its own waker, an eventfd or a receive under way.
//
// A receiver uses one of the three. A receive under way tries on its executor; finding nothing it arms, and the ring
// posts the next try. It is done exactly once: by whoever takes it out of `under_way_`.

#include <theus/signal_receiver.hpp>

#include <memory>
#include <mutex>
#include <optional>

namespace theus {

class Subscriber;

class Doorbell {
public:
  Doorbell() = default;
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  /// Called when the subscriber was armed and there may be something; by one thread at a time.
  void ring(Subscriber& subscriber);

  void use_waker(std::function<void()> waker);

  /// Throws OverloadError when the system has no file descriptor left.
  int use_event_fd(Subscriber& subscriber);
  /// To be called when a receive found nothing: makes the file descriptor unreadable until there is something.
  void found_nothing(Subscriber& subscriber);

  /// Throws LogicError when one is under way.
  void receive(Subscriber& subscriber, SignalExecutor executor, std::function<void(Received)> done);
  /// Ends a receive under way with `closed`.
  void abandon();

private:
  enum class Use : std::uint8_t { nothing, waker, event_fd, receive };
  struct UnderWay {
    SignalExecutor executor;
    std::function<void(Received)> done;
  };

  void require(Use use);
  void post_try(Subscriber& subscriber);
  void try_receive(Subscriber& subscriber);
  std::optional<UnderWay> take();

  Use use_ = Use::nothing;
  std::function<void()> waker_;
  int event_fd_ = -1;
  std::mutex change_;  // guards what follows
  std::optional<UnderWay> under_way_;
};

}  // namespace theus
