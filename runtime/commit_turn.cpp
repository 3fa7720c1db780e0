#include "runtime/commit_turn.hpp"

#include <cassert>
#include <new>

namespace theus {

CommitTurn::CommitTurn(CommitListener* listener)
    : memory_(StateMemory::make()),
      listener_(listener),
      out_of_memory_(Errc::resource_exhausted, "commit", "out of memory", "Release old snapshots or reduce the state"),
      head_(memory_->published()) {}

CommitTurn::~CommitTurn() { memory_->orphan(); }

Outcome CommitTurn::commit(const ProposalView& proposal) {
  const std::lock_guard lock{turn_};
  return commit_one(proposal);
}

void CommitTurn::commit(std::span<const ProposalView> proposals, std::span<Outcome> outcomes) {
  assert(proposals.size() == outcomes.size());
  for (std::size_t at = 0; at < proposals.size(); at += batch_max) {
    const std::lock_guard lock{turn_};
    for (std::size_t i = at; i < std::min(at + batch_max, proposals.size()); ++i)
      outcomes[i] = commit_one(proposals[i]);
  }
}

// A public door for bad_alloc: the turn is left with the state as it was.
Outcome CommitTurn::commit_one(const ProposalView& proposal) try {
  auto next = theus::commit(*memory_, *head_, proposal);
  if (!next)
    return next.error();
  if (*next == head_)
    return head_->version;
  head_ = *next;
  const Version version = head_->version;
  memory_->publish(head_);
  version_.store(version, std::memory_order_release);
  if (listener_ != nullptr)
    listener_->committed(version, proposal.signals);
  memory_->reclaim_some();
  return version;
} catch (const std::bad_alloc&) {
  return out_of_memory_;
}

Snapshot CommitTurn::snapshot() const {
  SnapshotPins::Slot* pin = memory_->pin();
  if (pin == nullptr)
    raise(Error{Errc::resource_exhausted, "snapshot",
                "all " + std::to_string(SnapshotPins::pins_max) + " snapshots are in use",
                "Release snapshots that are no longer read"});
  return Snapshot{*memory_, pin, *pin->root.load(std::memory_order_relaxed)};
}

CommitTurn::Memory CommitTurn::memory() const {
  const std::lock_guard lock{turn_};
  return {memory_->live_bytes(), memory_->retired_nodes()};
}

}  // namespace theus
