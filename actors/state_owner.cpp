#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"

#include <algorithm>

namespace theus::actors {
namespace {

// How soon commits that others' reservations hold back are tried again.
constexpr std::chrono::milliseconds held_back_interval{1};

struct State {
  static inline constexpr const char* name = "state-owner";

  CorePtr core;
  std::vector<CommitRequest> waiting;
  std::vector<CommitRequest> held_back;

  std::vector<std::shared_ptr<CommitsInFlight>> in_flight;

  /// Neither the journal nor another process is waited for: the answer comes as a message.
  void hand_over_waiting(const StateOwner& self) {
    std::vector<CommitRequest> all = std::exchange(waiting, {});
    // Those with a request id wait for another process that is down, and would hold up the others.
    std::vector<CommitRequest> patient;
    if (core->owner != nullptr) {
      const auto waits = [](const CommitRequest& request) { return request.proposal->request.has_value(); };
      std::ranges::copy_if(all, std::back_inserter(patient), waits);
      std::erase_if(all, waits);
    }
    for (auto* requests : {&all, &patient})
      if (!requests->empty())
        hand_over(self, std::move(*requests));
  }

  void hand_over(const StateOwner& self, std::vector<CommitRequest> requests) {
    struct Batch final : CommitsInFlight, std::enable_shared_from_this<Batch> {
      StateOwner owner;
      void settled() noexcept override { tell(owner, BatchSettled{shared_from_this()}); }
    };
    const auto batch = std::make_shared<Batch>();
    batch->requests = std::move(requests);
    batch->owner = self;
    for (const CommitRequest& request : batch->requests)
      batch->proposals.push_back(request.proposal->view());
    in_flight.push_back(batch);
    core->turn.commit(batch);
  }

  void commit_waiting(const StateOwner& self) {
    if (core->journal != nullptr || core->owner != nullptr)
      return hand_over_waiting(self);
    std::vector<ProposalView> proposals;
    proposals.reserve(waiting.size());
    for (const CommitRequest& request : waiting)
      proposals.push_back(request.proposal->view());
    std::vector<std::optional<Outcome>> outcomes(waiting.size());
    core->turn.commit(proposals, outcomes);
    answer(waiting, outcomes);
    waiting.clear();
  }

  /// What has no outcome yet is held back.
  void answer(std::vector<CommitRequest>& requests, std::vector<std::optional<Outcome>>& outcomes) {
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (!outcomes[i]) {
        held_back.push_back(std::move(requests[i]));
        continue;
      }
      if (requests[i].noted != nullptr)
        *requests[i].noted = outcomes[i];
      tell(requests[i].client, CommitReply{*std::move(outcomes[i])});
    }
  }

  /// The request that waits with this proposal, or nullptr.
  CommitRequest* find(const Proposal& proposal) {
    const auto is_it = [&](const CommitRequest& request) { return request.proposal.get() == &proposal; };
    const auto find_in = [&](std::vector<CommitRequest>& requests) {
      const auto found = std::ranges::find_if(requests, is_it);
      return found == requests.end() ? nullptr : &*found;
    };
    for (const auto& batch : in_flight)
      if (CommitRequest* found = find_in(batch->requests))
        return found;
    CommitRequest* const found = find_in(waiting);
    return found != nullptr ? found : find_in(held_back);
  }
};

using Self = StateOwner::stateful_pointer<State>;

void retry_later(Self self) { tell_later(StateOwner{self}, held_back_interval, RetryHeldBack{}); }

void commit_batch(Self self) {
  State& state = self->state;
  const bool is_noted = !state.held_back.empty();
  state.commit_waiting(StateOwner{self});
  if (!is_noted && !state.held_back.empty())
    retry_later(self);
}

void take_answers(Self self, CommitsInFlight& batch) {
  State& state = self->state;
  const bool is_noted = !state.held_back.empty();
  state.answer(batch.requests, batch.outcomes);
  std::erase_if(state.in_flight, [&](const auto& each) { return each.get() == &batch; });
  if (!is_noted && !state.held_back.empty())
    retry_later(self);
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
      [self](const BatchSettled& message) { take_answers(self, *message.batch); },
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
