#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"
#include "runtime/agent_cause.hpp"
#include "runtime/backoff.hpp"

namespace theus::actors {
namespace {

// How often an agent that waits for a reservation looks whether it may start.
constexpr std::chrono::milliseconds reservation_look_interval{1};

struct State {
  static inline constexpr const char* name = "acting-agent";

  ActingTermsPtr terms;
  SeatPtr seat;

  std::optional<Reservation> reservation;  // for the run in the seat; goes with this actor
  bool is_leaving = false;
};

using Self = ActingAgent::stateful_pointer<State>;

void end_run(Self self) {
  State& state = self->state;
  state.seat->run.reset();
  state.reservation.reset();
  if (state.is_leaving)
    return self->quit();
  // Others get their turn before the next run.
  tell(ActingAgent{self}, LookIntoInbox{});
}

/// Whether the journal implies the private state from now on.
void note_record(Seat& seat) {
  const bool is_recorded = seat.run->proposal != nullptr && *seat.run->proposal->is_recorded;
  if (is_recorded || seat.state != seat.run->next_state)
    seat.is_state_told = is_recorded;
}

void succeed(Self self) {
  Seat& seat = *self->state.seat;
  if (self->state.terms->core->journal != nullptr)
    note_record(seat);
  seat.state = std::move(seat.run->next_state);
  seat.completed.fetch_add(1, std::memory_order_relaxed);
  seat.run->postage->deliver();
  end_run(self);
}

void fail(Self self, const Error& error) {
  self->state.terms->failed(self->state.seat->id, error);
  end_run(self);
}

/// For the journal, if there is one.
void add_cause(const State& state, Proposal& proposal) {
  const Core& core = *state.terms->core;
  if (!core.records_causes())
    return;
  const Seat& seat = *state.seat;
  // Of joined processes nobody follows private states, so their agents' runs are not run again.
  Value arguments;
  if (core.journal != nullptr) {
    AgentCause cause{.trigger = seat.run->trigger, .state = {}};
    if (!seat.is_state_told)
      cause.state = seat.state;
    arguments = to_value(cause);
    proposal.is_recorded = std::make_shared<bool>(false);
  }
  proposal.cause = std::make_shared<const Cause>(Cause{.kind = Cause::Kind::agent,
                                                       .name = seat.definition->name(),
                                                       .number = seat.runs,
                                                       .attempt = static_cast<std::uint64_t>(seat.run->attempt),
                                                       .time = state.seat->run->time,
                                                       .contract = contract_hash(seat.definition->contract),
                                                       .arguments = std::move(arguments)});
}

Result<ExecutionResult> run_once(State& state) {
  Core& core = *state.terms->core;
  state.seat->run->time = core.clock->wall();
  const AgentDefinition& definition = *state.seat->definition;
  ExecutionStart start{.contract = {state.seat->definition, &definition.contract},
                       .snapshot = core.turn.snapshot(),
                       .agent_state = state.seat->state,
                       .id = core.next_execution.fetch_add(1, std::memory_order_relaxed),
                       .attempt = ++state.seat->run->attempt,
                       .call = {state.terms->core, &core.no_call},
                       .log = core.log,
                       .time = state.seat->run->time,
                       .random = random_stream(core.seed, definition.name(), state.seat->runs),
                       .trail = {state.terms->core, &core.trail},
                       .trigger = &state.seat->run->trigger,
                       .addressees = state.terms->directory.get()};
  return run_body(definition.body, std::make_shared<Execution>(std::move(start)));
}

void run(Self self) {
  State& state = self->state;
  AgentRun& run = *state.seat->run;
  auto result = run_once(state);
  if (!result)
    return fail(self, result.error());
  run.postage.emplace(state.terms->directory);
  if (auto promised = run.postage->add(state.seat->definition->name(), std::move(result->messages)); !promised)
    return fail(self, promised.error());
  run.next_state = std::move(result->agent_state);
  Proposal& proposal = result->proposal;
  if (proposal.writes.empty() && proposal.signals.empty())
    return succeed(self);
  if (state.reservation)
    proposal.reservation = state.reservation->id();
  add_cause(state, proposal);
  run.noted = std::make_shared<std::optional<Outcome>>();
  run.proposal = std::make_shared<const Proposal>(std::move(proposal));
  tell(state.terms->owner, CommitRequest{run.proposal, self, run.noted});
}

void look(Self self) {
  State& state = self->state;
  Seat& seat = *state.seat;
  if (seat.run || state.is_leaving)
    return;
  auto trigger = seat.inbox->take();
  if (!trigger)
    return;
  seat.run.emplace(*std::move(trigger));
  ++seat.runs;
  run(self);
}

/// After a few conflicts the paths that the run depends on are kept free for it.
void reserve(State& state) {
  const AgentRun& run = *state.seat->run;
  std::vector<Path> paths = run.proposal->reads;
  for (const Write& write : run.proposal->writes)
    paths.push_back(write.path);
  if (state.reservation)
    state.reservation->extend(paths);
  else if (run.attempt >= conflicts_before_reservation)
    state.reservation = state.terms->core->turn.reserve(std::move(paths), reservation_lifetime_max);
}

void take_reply(Self self, const Outcome& outcome) {
  State& state = self->state;
  Seat& seat = *state.seat;
  AgentRun& run = *seat.run;
  if (outcome)
    return succeed(self);
  const bool conflict = outcome.error().code() == Errc::version_mismatch;
  if (!conflict || state.is_leaving || run.attempt >= seat.definition->terms->attempts_max)
    return fail(self, outcome.error());
  seat.conflicts.fetch_add(1, std::memory_order_relaxed);
  reserve(state);
  run.proposal = nullptr;
  run.postage.reset();
  const auto wait = state.reservation ? std::chrono::microseconds{0} : backoff(run.attempt + 1, seat.id ^ seat.runs);
  if (wait.count() == 0)
    tell(ActingAgent{self}, RunAgain{});
  else
    tell_later(ActingAgent{self}, wait, RunAgain{});
}

void run_again(Self self) {
  const State& state = self->state;
  if (state.is_leaving)
    return end_run(self);
  if (state.reservation && !state.reservation->may_start())
    return tell_later(ActingAgent{self}, reservation_look_interval, RunAgain{});
  run(self);
}

/// Goes on with the run in which the last actor of this seat died, if it did.
void resume(Self self) {
  const State& state = self->state;
  const auto& run = state.seat->run;
  if (!run)
    return;
  if (run->proposal == nullptr)
    tell(ActingAgent{self}, RunAgain{});
  else
    tell(state.terms->owner, TakeOverCommit{{run->proposal, self, run->noted}});
}

void leave(Self self) {
  self->state.is_leaving = true;
  if (self->state.seat->run)
    self->link_to(self->state.terms->owner);  // without it no answer would come
  else
    self->quit();
}

/// Leaves the ticks that are due in the inbox and waits for the next. Counted from the spawning, so that they neither
/// drift nor pile up.
void tick(Self self) {
  const Seat& seat = *self->state.seat;
  if (self->state.is_leaving)
    return;
  const std::chrono::nanoseconds interval = seat.definition->terms->tick;
  const auto passed = self->state.terms->core->clock->now() - seat.since;
  const auto number = passed / interval;
  if (number > 0)
    seat.inbox->tick(static_cast<std::uint64_t>(number));
  tell_later(ActingAgent{self}, (number + 1) * interval - passed, AgentTick{});
}

ActingAgent::behavior_type acting_agent(Self self, ActingTermsPtr terms, SeatPtr seat) {
  prepare(self, terms->core);
  self->state.terms = std::move(terms);
  self->state.seat = std::move(seat);
  if (self->state.seat->definition->terms->tick.count() > 0)
    tick(self);
  resume(self);
  return {
      [self](LookIntoInbox) { look(self); }, [self](AgentTick) { tick(self); },
      [self](RunAgain) { run_again(self); }, [self](const CommitReply& reply) { take_reply(self, reply.outcome); },
      [self](LeaveSeat) { leave(self); },
  };
}

}  // namespace

ActingAgent spawn_acting_agent(caf::actor_system& system, ActingTermsPtr terms, const SeatPtr& seat) {
  ActingAgent agent = system.spawn(acting_agent, std::move(terms), seat);
  seat->inbox->attach([agent] { tell(agent, LookIntoInbox{}); });
  return agent;
}

}  // namespace theus::actors
