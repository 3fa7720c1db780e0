#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"

namespace theus::actors {
namespace {

// How soon commits that others' reservations hold back are tried again.
constexpr std::chrono::milliseconds held_back_interval{1};

struct State {
  static inline constexpr const char* name = "state-owner";

  CorePtr core;
  std::vector<CommitRequest> waiting;
  std::vector<CommitRequest> held_back;

  void commit_waiting() {
    std::vector<ProposalView> proposals;
    proposals.reserve(waiting.size());
    for (const CommitRequest& request : waiting)
      proposals.push_back(request.proposal->view());
    std::vector<std::optional<Outcome>> outcomes(waiting.size());
    core->turn.commit(proposals, outcomes);
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (!outcomes[i]) {
        held_back.push_back(std::move(waiting[i]));
        continue;
      }
      if (waiting[i].noted != nullptr)
        *waiting[i].noted = outcomes[i];
      tell(waiting[i].client, CommitReply{*std::move(outcomes[i])});
    }
    waiting.clear();
  }

  /// The request that waits with this proposal, or nullptr.
  CommitRequest* find(const Proposal& proposal) {
    for (auto* requests : {&waiting, &held_back})
      for (CommitRequest& request : *requests)
        if (request.proposal.get() == &proposal)
          return &request;
    return nullptr;
  }
};

using Self = StateOwner::stateful_pointer<State>;

void commit_batch(Self self) {
  State& state = self->state;
  const bool is_noted = !state.held_back.empty();
  state.commit_waiting();
  if (!is_noted && !state.held_back.empty())
    tell_later(StateOwner{self}, held_back_interval, RetryHeldBack{});
}

void take(Self self, const CommitRequest& request) {
  // The note to itself stands behind everything that is in the mailbox now, so one batch takes all of it.
  if (self->state.waiting.empty())
    self->send(self, CommitBatch{});
  self->state.waiting.push_back(request);
}

void take_over(Self self, const CommitRequest& request) {
  if (*request.noted)
    return tell(request.client, CommitReply{**request.noted});
  if (CommitRequest* first = self->state.find(*request.proposal))
    first->client = request.client;
  else
    take(self, request);  // the other died before it asked
}

StateOwner::behavior_type state_owner(Self self, CorePtr core) {
  prepare(self, core);
  self->state.core = std::move(core);
  return {
      [self](const CommitRequest& request) { take(self, request); },
      [self](const TakeOverCommit& message) { take_over(self, message.request); },
      [self](CommitBatch) { commit_batch(self); },
      [self](RetryHeldBack) {
        State& state = self->state;
        // Those who wait longest go first. A CommitBatch that is on its way then finds nothing left to do.
        std::swap(state.waiting, state.held_back);
        std::move(state.held_back.begin(), state.held_back.end(), std::back_inserter(state.waiting));
        state.held_back.clear();
        commit_batch(self);
      },
  };
}

}  // namespace

StateOwner spawn_state_owner(caf::actor_system& system, CorePtr core) {
  return system.spawn(state_owner, std::move(core));
}

}  // namespace theus::actors
