#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>

namespace theus {

/// Where the ring of a relaying hub holds no event but word of some that were lost before they came here, so that a
/// subscriber that is overrun past such a place still knows how many it missed. Thread-safe.
class SignalGaps {
public:
  /// Of all gaps before a place.
  struct Sum {
    std::uint64_t lost = 0;
    std::uint64_t places = 0;  ///< that the gaps themselves take
  };

  bool any() const noexcept { return any_.load(std::memory_order_acquire); }

  /// By one thread, in order of the places. `oldest`: the first place that the ring still keeps; nobody goes on from
  /// before it, so that of the gaps there one is enough.
  void add(std::uint64_t place, std::uint64_t lost, std::uint64_t oldest);

  Sum before(std::uint64_t place) const;

private:
  struct Gap {
    std::uint64_t place;
    Sum up_to_here;
  };

  std::atomic<bool> any_{false};
  mutable std::mutex change_;  // guards what follows
  std::deque<Gap> gaps_;
  Sum forgotten_;
};

}  // namespace theus
