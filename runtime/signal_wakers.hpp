#pragma once

// Who wants to be called, once, when there is something to receive: actors, event loops, asynchronous receives.
//
// Invariants: (1) A subscriber arms itself BEFORE its last look into the ring, a publisher looks at `armed` AFTER its
// store, with an asymmetric fence between: one sees the other. (2) A waker is called at most once per arming, by one
// thread at a time and without any lock held. (3) After remove() returns its waker is not running, unless it is the
// waker itself that removes. (4) That a topic concerned nobody is remembered with the number of armings so far; so an
// idle subscriber that does not want what is sent costs its senders a look at two words, not a look at everybody.

#include "runtime/asymmetric_fence.hpp"

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace theus {

class Subscriber;

/// What concerns one subscriber; guarded by its SignalWakers.
struct WakerCall {
  static constexpr std::size_t not_armed = ~std::size_t{0};

  std::size_t armed_at = not_armed;
  std::thread::id thread;  // that is calling it
  bool again = false;      // it is to be called (once more)
  bool is_over = false;    // the subscriber has gone
};

class SignalWakers {
public:
  /// Whether anybody is armed. REQUIRES: a light fence between the caller's store and this call.
  bool any() const noexcept { return armed_count_.load(dekker) != 0; }

  /// REQUIRES: a heavy fence between this call and the caller's last look.
  void arm(const std::shared_ptr<Subscriber>& subscriber);
  /// Whether it was still armed; if not, its waker has been or is being called.
  bool disarm(Subscriber& subscriber) noexcept;
  void remove(Subscriber& subscriber) noexcept;

  /// Calls the wakers of those armed subscribers that any of the records, which end at that place, may concern.
  template <class Run>
  void wake(const Run& run, std::uint64_t end);
  void wake(const Subscriber& subscriber);
  void wake_all();

private:
  static constexpr std::size_t remembered_max = 64;
  static constexpr std::uint64_t nowhere = ~std::uint64_t{0};

  template <class Concerns, class Concluded>
  void wake_if(const Concerns& concerns, const Concluded& concluded);
  void call(Subscriber& subscriber);
  std::shared_ptr<Subscriber> take(std::size_t at) noexcept;

  // A topic and the number of armings at which it concerned nobody, by topic id.
  static std::uint64_t remembered(std::uint32_t topic, std::uint64_t armings) noexcept { return armings << 24 | topic; }

  std::atomic<std::uint32_t> armed_count_{0};
  std::atomic<std::uint64_t> armings_{1};
  std::array<std::atomic<std::uint64_t>, remembered_max> unconcerned_{};
  std::atomic<std::uint64_t> skip_at_{nowhere};  // from here on somebody may want to skip what it does not want
  std::mutex change_;                            // guards what follows
  std::condition_variable called_;
  std::vector<std::shared_ptr<Subscriber>> armed_;
};

}  // namespace theus
