#pragma once

// Keeps senders from overrunning the subscribers that asked for it (overflow `block` and `fail`).
//
// Invariants: (1) A producer publishes up to `limit` without looking at any subscriber. (2) `limit` is the smallest
// cursor of a gated subscriber plus the capacity, when it was last computed; cursors only grow, so it errs on the
// safe side. (3) A waiting sender holds no lock and no bias. (4) With nobody gated `limit` is `unlimited`.

#include "runtime/parking.hpp"

#include <theus/result.hpp>

#include <sched.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace theus {

class Subscriber;

class SignalGate {
public:
  static constexpr std::uint64_t unlimited = ~std::uint64_t{0};

  SignalGate(AsymmetricFence fence, std::uint64_t capacity) noexcept : fence_(fence), capacity_(capacity) {}

  std::uint64_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }

  /// From its return on every producer asks admit(). `drain()` waits until those that looked before are through.
  template <class Drain>
  void add(Subscriber& subscriber, const Drain& drain) {
    const std::lock_guard lock{change_};
    subscribers_.push_back(&subscriber);
    limit_.store(0);
    fence_.heavy();
    drain();
  }
  void remove(Subscriber& subscriber) noexcept;
  /// Lets everybody through from now on.
  void open() noexcept;

  /// Waits until `count` more places after `tail()` would overrun nobody. Subscribers that stay full for longer than
  /// they may block are evicted; one with `fail` refuses.
  template <class Tail>
  Status admit(std::uint64_t count, const Tail& tail) {
    const auto start = std::chrono::steady_clock::now();
    linger(start, count, tail);
    std::unique_lock lock{change_};
    while (!has_room(tail() + count)) {
      Deadline deadline;
      if (Status refused = make_room(tail() + count, start, deadline); !refused)
        return refused;
      if (has_room(tail() + count))
        break;
      lock.unlock();
      space_.park(fence_, deadline, [&] {
        const std::lock_guard again{change_};
        return has_room(tail() + count);
      });
      lock.lock();
    }
    return {};
  }

  /// The same without waiting: refuses when it would overrun anybody.
  template <class Tail>
  Status admit_now(std::uint64_t count, const Tail& tail) {
    const std::lock_guard lock{change_};
    return has_room(tail() + count) ? Status{} : refusal(tail() + count);
  }

  /// To be called by a gated subscriber after it has moved its cursor.
  void moved() noexcept {
    fence_.light();
    if (space_.has_sleepers()) [[unlikely]]
      space_.wake();
  }

  std::uint64_t evicted() const noexcept { return evicted_.load(); }

private:
  static constexpr std::chrono::microseconds linger_max{1000};
  static constexpr std::uint64_t parts_of_capacity = 8;

  // A sender that sleeps until there is room for one event is woken for each. While receivers keep up this waits a
  // moment, awake, for room for many; senders that waited in vain sleep, until a receiver is seen to be quick again.
  template <class Tail>
  void linger(Deadline start, std::uint64_t count, const Tail& tail) {
    const std::uint64_t ahead = std::max(count, capacity_ / parts_of_capacity);
    for (bool is_first = true;; is_first = false) {
      {
        const std::lock_guard lock{change_};
        if (has_room(tail() + ahead)) {
          lingers_ = true;
          return;
        }
        if (is_first && (!lingers_ || refuses(tail() + count)))
          return;
        if (std::chrono::steady_clock::now() - start >= linger_max) {
          lingers_ = false;
          return;
        }
      }
      ::sched_yield();
    }
  }

  bool refuses(std::uint64_t end) const noexcept;
  bool has_room(std::uint64_t end) noexcept;
  Status refusal(std::uint64_t end) const;
  Error full(const Subscriber& subscriber) const;
  Status make_room(std::uint64_t end, Deadline start, Deadline& deadline);

  const AsymmetricFence fence_;
  const std::uint64_t capacity_;
  std::atomic<std::uint64_t> limit_{unlimited};
  std::atomic<std::uint64_t> evicted_{0};
  Parking space_;
  std::mutex change_;  // guards what follows, and every change of limit_
  std::vector<Subscriber*> subscribers_;
  bool is_open_ = false;
  bool lingers_ = true;
};

}  // namespace theus
