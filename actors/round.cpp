#include "actors/round.hpp"

namespace theus::actors {

bool RoundRequest::expire() {
  if (ended_.exchange(true))
    return false;
  answer_(Error{Errc::deadline, "round of '" + pattern_ + "'", "not all agents were done in time; nothing was written",
                "Raise the timeout of the round"});
  return true;
}

bool Round::fill(std::size_t index, Result<ExecutionResult> result) {
  Slot& slot = slots[index];
  if (slot.is_done.exchange(true))
    return false;
  slot.result = std::move(result);
  // Pairs with itself: whoever takes the count to zero has seen all results.
  return left_.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

}  // namespace theus::actors
