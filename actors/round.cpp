#include "actors/round.hpp"

#include <algorithm>
#include <iterator>

namespace theus::actors {

bool RoundRequest::expire() {
  if (ended_.exchange(true))
    return false;
  std::string awaited;
  {
    const std::lock_guard lock{mutex_};
    awaited = awaited_;
  }
  answer_(Error{Errc::deadline, "round of '" + pattern_ + "'",
                "not all agents were done in time" +
                    (awaited.empty() ? std::string{} : ", among them those of process " + awaited) +
                    "; nothing was written",
                "Raise the timeout of the round"});
  return true;
}

void Round::fill(std::size_t index, Result<ExecutionResult> result, Token& token) {
  if (!result)
    return fail(index, result.error());
  Slot& slot = slots[index];
  Proposal& proposal = result->proposal;
  std::unique_ptr<Extra> extra;
  if (!proposal.signals.empty() || !result->messages.empty() || proposal.standing != Standing::ordinary())
    extra = std::make_unique<Extra>(std::nullopt, std::move(proposal.signals), std::move(proposal.standing),
                                    std::move(result->messages));
  slot.first = static_cast<std::uint32_t>(token.writes.size());
  slot.count = static_cast<std::uint32_t>(proposal.writes.size());
  std::ranges::move(proposal.writes, std::back_inserter(token.writes));
  slot.token = &token;
  slot.state = std::move(result->agent_state);
  settle(slot, std::move(extra));
}

void Round::fail(std::size_t index, const Error& error) {
  auto extra = std::make_unique<Extra>();
  extra->error = error;
  settle(slots[index], std::move(extra));
}

void Round::settle(Slot& slot, std::unique_ptr<Extra> extra) {
  if (slot.is_done.exchange(true))
    return;
  slot.extra = std::move(extra);
  // Pairs with itself: whoever takes the count to zero has seen all results.
  if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1)
    all_done_();
}

void Round::pass_on(std::shared_ptr<Round> round, Token& token) {
  Round& self = *round;
  if (const std::size_t next = self.next_.fetch_add(1, std::memory_order_relaxed); next < self.slots.size())
    self.send_(std::move(round), token, next);
}

}  // namespace theus::actors
