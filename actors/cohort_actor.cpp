#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"
#include "runtime/agent_cause.hpp"
#include "runtime/cohort_table.hpp"

#include <deque>

namespace theus::actors {
namespace {

constexpr std::size_t steps_waiting_max = 1000;
constexpr int attempts_max = 8;

struct State {
  static inline constexpr const char* name = "cohort";

  CorePtr core;
  StateOwner owner;
  std::shared_ptr<CohortTable> table;
  std::deque<Answer<CohortReport>> waiting;  // the first is that of the step that is being tried
  int attempt = 0;
};

using Self = CohortActor::stateful_pointer<State>;

void try_step(Self self);

void answer_first(Self self, const Result<CohortReport>& report) {
  State& state = self->state;
  const Answer<CohortReport> answer = std::move(state.waiting.front());
  state.waiting.pop_front();
  state.attempt = 0;
  answer(report);
  // Other actors get their turn in between.
  if (!state.waiting.empty())
    tell(CohortActor{self}, RunAgain{});
}

void accept(Self self, Version version) {
  self->state.table->accept();
  answer_first(self, CohortReport{self->state.table->steps(), version});
}

void try_step(Self self) {
  State& state = self->state;
  Core& core = *state.core;
  const Snapshot snapshot = core.turn.snapshot();
  ++state.attempt;
  const auto time = core.clock->wall();
  ExecutionStart start{.contract = {state.table, &state.table->contract()},
                       .snapshot = snapshot,
                       .id = core.next_execution.fetch_add(1, std::memory_order_relaxed),
                       .attempt = state.attempt,
                       .call = {state.core, &core.no_call},
                       .log = core.log,
                       .time = time,
                       .random = random_stream(core.seed, state.table->name(), state.table->steps()),
                       .trail = {state.core, &core.trail}};
  const Body body{[table = state.table](Context& context) { table->step(context); }};
  auto result = run_body(body, std::make_shared<Execution>(std::move(start)));
  if (!result)
    return answer_first(self, result.error());
  if (result->proposal.writes.empty() && result->proposal.signals.empty())
    return accept(self, snapshot.version());
  if (core.records_causes())
    result->proposal.cause = std::make_shared<const Cause>(Cause{.kind = Cause::Kind::cohort,
                                                                 .name = state.table->name(),
                                                                 .number = state.table->steps(),
                                                                 .attempt = static_cast<std::uint64_t>(state.attempt),
                                                                 .time = time,
                                                                 .contract = contract_hash(state.table->contract())});
  tell(state.owner, CommitRequest{std::make_shared<const Proposal>(std::move(result->proposal)), self});
}

CohortActor::behavior_type cohort(Self self, CorePtr core, StateOwner owner, std::shared_ptr<CohortTable> table) {
  prepare(self, core);
  self->state.core = std::move(core);
  self->state.owner = std::move(owner);
  self->state.table = std::move(table);
  return {
      [self](const StepCohort& message) {
        State& state = self->state;
        if (state.waiting.size() == steps_waiting_max)
          return message.answer(Error{Errc::overloaded, "cohort '" + state.table->name() + "'",
                                      "too many of its steps are waiting", "Wait for steps to end"});
        state.waiting.push_back(message.answer);
        if (state.waiting.size() == 1)
          try_step(self);
      },
      [self](const ReadColumn& message) { message.answer(self->state.table->column(message.column)); },
      [self](RunAgain) { try_step(self); },
      [self](const CommitReply& reply) {
        if (reply.outcome)
          return accept(self, *reply.outcome);
        if (reply.outcome.error().code() != Errc::version_mismatch || self->state.attempt == attempts_max)
          return answer_first(self, reply.outcome.error());
        try_step(self);
      },
  };
}

}  // namespace

CohortActor spawn_cohort(caf::actor_system& system, CorePtr core, StateOwner owner,
                         std::shared_ptr<CohortTable> table) {
  return system.spawn(cohort, std::move(core), std::move(owner), std::move(table));
}

}  // namespace theus::actors
