#include "actors/round.hpp"

namespace theus::actors {

bool RoundRequest::expire() {
  if (ended_.exchange(true))
    return false;
  answer_(Error{Errc::deadline, "round of '" + pattern_ + "'", "not all agents were done in time; nothing was written",
                "Raise the timeout of the round"});
  return true;
}

void Round::fill(std::size_t index, Result<ExecutionResult> result) {
  Slot& slot = slots[index];
  if (slot.is_done.exchange(true))
    return;
  if (!result) {
    slot.extra = std::make_unique<Extra>();
    slot.extra->error = result.error();
  } else {
    Proposal& proposal = result->proposal;
    slot.state = std::move(result->agent_state);
    slot.writes = std::move(proposal.writes);
    if (!proposal.signals.empty() || !result->messages.empty() || proposal.standing != Standing::ordinary())
      slot.extra = std::make_unique<Extra>(std::nullopt, std::move(proposal.signals), std::move(proposal.standing),
                                           std::move(result->messages));
  }
  // Pairs with itself: whoever takes the count to zero has seen all results.
  if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1)
    all_done_();
}

void Round::pass_on(const std::shared_ptr<Round>& round) {
  if (const std::size_t next = round->next_.fetch_add(1, std::memory_order_relaxed); next < round->slots.size())
    round->send_(round, next);
}

}  // namespace theus::actors
