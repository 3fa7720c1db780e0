#pragma once

// Sleeping until somebody publishes, at no cost for a publisher whom nobody waits for.
//
// Invariants: (1) A sleeper sets `armed` BEFORE its last look at the data, a publisher looks at `armed` AFTER its
// store, and an asymmetric fence keeps both in order: one of them sees the other. A publisher that calls wake() each
// time needs no fence: both exchange `armed`. (2) A waking publisher changes `epoch` before it calls the kernel, so a
// sleeper that read the old epoch does not fall asleep after the wake. (3) Wakes may be spurious, never lost.

#include "runtime/asymmetric_fence.hpp"

#include <chrono>
#include <cstdint>
#include <limits>

namespace theus {

/// The words that sleepers and publishers share: free of pointers, so they may stand in shared memory.
struct WakeCell {
  std::atomic<std::uint32_t> armed{0};  // set by sleepers, taken by the publisher that wakes them
  std::atomic<std::uint32_t> epoch{0};  // the futex word
};
static_assert(sizeof(WakeCell) == 8 && std::atomic<std::uint32_t>::is_always_lock_free);

using Deadline = std::chrono::steady_clock::time_point;
inline constexpr Deadline no_deadline = Deadline::max();

/// One place to sleep for any number of threads of this process. Thread-safe.
class Parking {
public:
  /// Sleeps until woken, the deadline or a spurious wake; not at all when `ready()` once this sleeper is announced.
  template <class Ready>
  void park(const AsymmetricFence& fence, Deadline deadline, const Ready& ready) noexcept {
    const std::uint32_t epoch = cell_.epoch.load();
    cell_.armed.exchange(1);
    fence.heavy();
    if (!ready())
      sleep(epoch, deadline);
  }

  /// As above, until woken. REQUIRES: publishers call wake() whether or not there are sleepers.
  template <class Ready>
  void park(const Ready& ready) noexcept {
    const std::uint32_t epoch = cell_.epoch.load();
    cell_.armed.exchange(1);
    if (!ready())
      sleep(epoch, no_deadline);
  }

  /// REQUIRES: fence.light() between the caller's store and this call.
  bool has_sleepers() const noexcept { return cell_.armed.load(dekker) != 0; }
  void wake() noexcept;

private:
  void sleep(std::uint32_t epoch, Deadline deadline) noexcept;

  WakeCell cell_;
};

}  // namespace theus
