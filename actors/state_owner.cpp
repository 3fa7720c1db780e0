#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"

namespace theus::actors {
namespace {

struct State {
  static inline constexpr const char* name = "state-owner";

  CorePtr core;
  std::vector<CommitRequest> waiting;

  void commit_waiting() {
    std::vector<ProposalView> proposals;
    proposals.reserve(waiting.size());
    for (const CommitRequest& request : waiting)
      proposals.push_back(request.proposal->view());
    std::vector<Outcome> outcomes(waiting.size(), Outcome{Version{0}});
    core->turn.commit(proposals, outcomes);
    for (std::size_t i = 0; i < waiting.size(); ++i)
      tell(waiting[i].client, CommitReply{std::move(outcomes[i])});
    waiting.clear();
  }
};

StateOwner::behavior_type state_owner(StateOwner::stateful_pointer<State> self, CorePtr core) {
  prepare(self, core);
  self->state.core = std::move(core);
  return {
      [self](const CommitRequest& request) {
        // The note to itself stands behind everything that is in the mailbox now, so one batch takes all of it.
        if (self->state.waiting.empty())
          self->send(self, CommitBatch{});
        self->state.waiting.push_back(request);
      },
      [self](CommitBatch) { self->state.commit_waiting(); },
  };
}

}  // namespace

StateOwner spawn_state_owner(caf::actor_system& system, CorePtr core) {
  return system.spawn(state_owner, std::move(core));
}

}  // namespace theus::actors
