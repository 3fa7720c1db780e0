#include "runtime/signal_gaps.hpp"

#include <algorithm>

namespace theus {

void SignalGaps::add(std::uint64_t place, std::uint64_t lost, std::uint64_t oldest) {
  const std::lock_guard lock{change_};
  const Sum former = gaps_.empty() ? Sum{} : gaps_.back().up_to_here;
  gaps_.push_back({place, {former.lost + lost, former.places + 1}});
  while (gaps_.size() > 1 && gaps_[1].place < oldest) {
    forgotten_ = gaps_.front().up_to_here;
    gaps_.pop_front();
  }
  any_.store(true, std::memory_order_release);
}

SignalGaps::Sum SignalGaps::before(std::uint64_t place) const {
  const std::lock_guard lock{change_};
  const auto after = std::ranges::lower_bound(gaps_, place, {}, &Gap::place);
  return after == gaps_.begin() ? forgotten_ : std::prev(after)->up_to_here;
}

}  // namespace theus
