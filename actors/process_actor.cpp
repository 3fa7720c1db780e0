#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"
#include "runtime/agent_cause.hpp"
#include "runtime/backoff.hpp"
#include "runtime/isolated/attempt.hpp"
#include "runtime/isolated/packets.hpp"

namespace theus::actors {
namespace {

// How often a process that waits for a reservation looks whether it may start.
constexpr std::chrono::milliseconds reservation_look_interval{1};

struct State {
  static inline constexpr const char* name = "process";

  CorePtr core;
  StateOwner owner;
  CallPtr call;
  int attempt = 0;
  Version snapshot = 0;                          // that the body read
  std::chrono::system_clock::time_point time{};  // that the body was told
  Value value;                                   // what the body returned, until its commit is known
  std::shared_ptr<const Proposal> proposal;      // of the last attempt
  std::optional<Reservation> reservation;
  std::optional<ExecutionStart> start;  // of an attempt that runs in a worker

  // An actor that dies answers whoever waits for it.
  ~State() {
    if (call != nullptr)
      call->finish(Error{Errc::process_failed, "'" + call->process().definition.name + "'",
                         "its actor ended unexpectedly", "Nothing of this execution was committed"});
  }
};

using Self = ProcessActor::stateful_pointer<State>;

void end(Self self, Result<Executed> result) {
  self->state.call->finish(std::move(result));
  self->state.call.reset();
  self->quit();
}

/// What the call was answered when it came before, if it did.
Result<std::optional<Executed>> first_answer(const State& state) {
  const auto request = state.call->request({});
  if (!request)
    return std::optional<Executed>{};
  auto first = state.core->turn.request_outcome(*request);
  if (!first)
    return first.error();
  if (!*first)
    return std::optional<Executed>{};
  return std::optional{Executed{(*first)->value, (*first)->version, state.attempt}};
}

/// Whether the call is over; ends it when its time has come and nobody has noticed yet.
bool has_expired(const State& state) {
  if (const auto now = state.core->clock->now(); now >= state.call->deadline())
    state.call->expire(now);
  return state.call->is_over();
}

/// For the journal, if there is one.
std::shared_ptr<const Cause> cause_of(const State& state) {
  if (!state.core->records_causes())
    return nullptr;
  const RegisteredProcess& process = state.call->process();
  return std::make_shared<const Cause>(Cause{.kind = Cause::Kind::process,
                                             .name = process.definition.name,
                                             .number = state.call->id(),
                                             .attempt = static_cast<std::uint64_t>(state.attempt),
                                             .time = state.time,
                                             .contract = contract_hash(*process.contract),
                                             .arguments = state.call->arguments()});
}

void take_result(Self self, Result<ExecutionResult> result) {
  State& state = self->state;
  if (!result)
    return end(self, result.error());
  result->proposal.request = state.call->request(result->value);
  const bool wants_commit =
      !result->proposal.writes.empty() || !result->proposal.signals.empty() || result->proposal.request;
  if (!wants_commit)
    return end(self, Executed{std::move(result->value), state.snapshot, state.attempt});
  if (has_expired(state) || !state.call->begin_commit())
    return end(self, Error{Errc::deadline, state.call->process().definition.name, "expired"});
  state.value = std::move(result->value);
  result->proposal.cause = cause_of(state);
  if (state.reservation)
    result->proposal.reservation = state.reservation->id();
  state.proposal = std::make_shared<const Proposal>(std::move(result->proposal));
  tell(state.owner, CommitRequest{state.proposal, self});
}

/// What may be committed of a worker's answer.
Result<ExecutionResult> result_of(const Process& process, const ExecutionStart& start,
                                  const Result<WorkerAnswer>& answer) {
  if (!answer)
    return answer.error();
  const auto body = decode_body(answer->body);
  if (!body)
    return body.error();
  if (!answer->is_done)
    return held_to_declared(process, error_of_failed(*body));
  auto told = result_of_done(*body);
  if (told)
    swap_handles(*told, answer->built);
  return told ? held_to_contract(process, start, *std::move(told)) : std::move(told);
}

void take_answer(Self self, const Result<WorkerAnswer>& answer) {
  const auto start = std::exchange(self->state.start, std::nullopt);
  take_result(self, result_of(self->state.call->process().definition, *start, answer));
}

void attempt(Self self) {
  State& state = self->state;
  const RegisteredProcess& process = state.call->process();
  if (has_expired(state))
    return end(self, Error{Errc::deadline, state.call->process().definition.name, "expired"});

  const auto first = first_answer(state);
  if (!first)
    return end(self, first.error());
  if (*first)
    return end(self, **first);
  ExecutionStart start{
      .contract = process.contract, .snapshot = state.core->turn.snapshot(), .arguments = state.call->arguments()};
  start.id = state.call->id();
  start.attempt = ++state.attempt;
  start.call = std::shared_ptr<CallState>{state.call, &state.call->state()};
  start.log = state.core->log;
  start.time = state.time = state.core->clock->wall();
  start.trail = std::shared_ptr<AuditTrail>{state.core, &state.core->trail};
  start.random = random_stream(state.core->seed, process.definition.name, state.call->id());
  state.snapshot = start.snapshot.version();
  if (process.definition.isolated) {
    const auto& kept = state.start.emplace(std::move(start));
    return state.core->workers.run(state.call, kept, [actor = ProcessActor{self}](Result<WorkerAnswer> answer) {
      tell(actor, WorkerAnswered{std::make_shared<Result<WorkerAnswer>>(std::move(answer))});
    });
  }
  if (!process.definition.blocking)
    return take_result(self, run_process(process.definition, start));
  state.core->blocking.run([actor = ProcessActor{self}, call = state.call, start = std::move(start)] {
    auto result = run_process(call->process().definition, start);
    tell(actor, BodyEnded{std::make_shared<Result<ExecutionResult>>(std::move(result))});
  });
}

/// After a few conflicts the paths that the process depends on are kept free for it.
void reserve(State& state) {
  std::vector<Path> paths = state.proposal->reads;
  for (const Write& write : state.proposal->writes)
    paths.push_back(write.path);
  if (state.reservation)
    state.reservation->extend(paths);
  else if (state.attempt >= conflicts_before_reservation)
    state.reservation = state.core->turn.reserve(std::move(paths), reservation_lifetime_max);
}

void try_again(Self self) {
  State& state = self->state;
  if (state.reservation && !state.reservation->may_start() && state.core->clock->now() < state.call->deadline())
    return tell_later(ProcessActor{self}, reservation_look_interval, RunAgain{});
  attempt(self);
}

void take_reply(Self self, const Outcome& outcome) {
  State& state = self->state;
  if (outcome) {
    // Two calls of one request may both have run their bodies; only the first commit counts.
    const auto first = first_answer(state);
    return end(self, first && *first ? **first : Executed{std::move(state.value), *outcome, state.attempt});
  }
  const bool conflict = outcome.error().code() == Errc::version_mismatch;
  if (!conflict || state.attempt >= state.call->process().definition.attempts_max)
    return end(self, outcome.error());
  state.call->retry();
  reserve(state);
  const auto wait = state.reservation ? std::chrono::microseconds{0} : backoff(state.attempt + 1, state.call->id());
  if (wait.count() == 0)
    tell(ProcessActor{self}, RunAgain{});
  else
    tell_later(ProcessActor{self}, wait, RunAgain{});
}

ProcessActor::behavior_type process(Self self, CorePtr core, StateOwner owner, CallPtr call) {
  prepare(self, core);
  self->state.core = std::move(core);
  self->state.owner = std::move(owner);
  self->state.call = std::move(call);
  attempt(self);
  return {
      [self](RunAgain) { try_again(self); },
      [self](const BodyEnded& ended) { take_result(self, std::move(*ended.result)); },
      [self](const WorkerAnswered& answered) { take_answer(self, *answered.answer); },
      [self](const CommitReply& reply) { take_reply(self, reply.outcome); },
  };
}

}  // namespace

ProcessActor spawn_process(caf::actor_system& system, CorePtr core, StateOwner owner, CallPtr call) {
  return system.spawn(process, std::move(core), std::move(owner), std::move(call));
}

}  // namespace theus::actors
