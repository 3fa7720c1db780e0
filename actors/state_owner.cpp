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

  /// With a journal: whoever writes it answers.
  void hand_over_waiting(const StateOwner& self) {
    struct Batch final : ProposalBatch {
      std::vector<CommitRequest> requests;
      StateOwner owner;

      void settled() noexcept override {
        for (std::size_t i = 0; i < requests.size(); ++i)
          if (outcomes[i])
            tell(requests[i].client, CommitReply{*std::move(outcomes[i])});
          else
            tell(owner, HeldBack{std::move(requests[i])});
      }
    };
    const auto batch = std::make_shared<Batch>();
    batch->requests = std::exchange(waiting, {});
    batch->owner = self;
    for (const CommitRequest& request : batch->requests)
      batch->proposals.push_back(request.proposal->view());
    core->turn.commit(batch);
  }

  void commit_waiting(const StateOwner& self) {
    if (core->journal != nullptr)
      return hand_over_waiting(self);
    std::vector<ProposalView> proposals;
    proposals.reserve(waiting.size());
    for (const CommitRequest& request : waiting)
      proposals.push_back(request.proposal->view());
    std::vector<std::optional<Outcome>> outcomes(waiting.size());
    core->turn.commit(proposals, outcomes);
    for (std::size_t i = 0; i < waiting.size(); ++i)
      if (outcomes[i])
        tell(waiting[i].client, CommitReply{*std::move(outcomes[i])});
      else
        held_back.push_back(std::move(waiting[i]));
    waiting.clear();
  }
};

using Self = StateOwner::stateful_pointer<State>;

void commit_batch(Self self) {
  State& state = self->state;
  const bool is_noted = !state.held_back.empty();
  state.commit_waiting(StateOwner{self});
  if (!is_noted && !state.held_back.empty())
    tell_later(StateOwner{self}, held_back_interval, RetryHeldBack{});
}

StateOwner::behavior_type state_owner(Self self, CorePtr core) {
  prepare(self, core);
  self->state.core = std::move(core);
  return {
      [self](const CommitRequest& request) {
        // The note to itself stands behind everything that is in the mailbox now, so one batch takes all of it.
        if (self->state.waiting.empty())
          self->send(self, CommitBatch{});
        self->state.waiting.push_back(request);
      },
      [self](CommitBatch) { commit_batch(self); },
      [self](const HeldBack& back) {
        State& state = self->state;
        if (state.held_back.empty())
          tell_later(StateOwner{self}, held_back_interval, RetryHeldBack{});
        state.held_back.push_back(back.request);
      },
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
