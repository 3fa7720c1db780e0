#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"
#include "runtime/backoff.hpp"

namespace theus::actors {
namespace {

struct State {
  static inline constexpr const char* name = "process";

  CorePtr core;
  StateOwner owner;
  CallPtr call;
  int attempt = 0;
  Value value;  // what the body returned, until its commit is known

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

void attempt(Self self) {
  State& state = self->state;
  const RegisteredProcess& process = state.call->process();
  const auto now = state.core->clock->now();
  if (now >= state.call->deadline())
    state.call->expire(now);
  if (state.call->is_over())
    return end(self, Error{Errc::deadline, process.definition.name, "expired"});

  const Snapshot snapshot = state.core->turn.snapshot();
  ExecutionStart start{.contract = process.contract, .snapshot = snapshot, .arguments = state.call->arguments()};
  start.id = state.call->id();
  start.attempt = ++state.attempt;
  start.call = std::shared_ptr<CallState>{state.call, &state.call->state()};
  start.log = state.core->log;
  start.time = state.core->clock->wall();
  auto result = run_body(process.definition.body, std::make_shared<Execution>(std::move(start)));
  if (!result)
    return end(self, result.error());

  const bool wants_commit = !result->proposal.writes.empty() || !result->proposal.signals.empty();
  if (!wants_commit)
    return end(self, Executed{std::move(result->value), snapshot.version(), state.attempt});
  if (!state.call->begin_commit())
    return end(self, Error{Errc::deadline, process.definition.name, "expired"});
  state.value = std::move(result->value);
  tell(state.owner, CommitRequest{std::make_shared<const Proposal>(std::move(result->proposal)), self});
}

void take_reply(Self self, const Outcome& outcome) {
  State& state = self->state;
  if (outcome)
    return end(self, Executed{std::move(state.value), *outcome, state.attempt});
  const bool conflict = outcome.error().code() == Errc::version_mismatch;
  if (!conflict || state.attempt >= state.call->process().definition.attempts_max)
    return end(self, outcome.error());
  state.call->retry();
  const auto wait = backoff(state.attempt, state.call->id());
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
      [self](RunAgain) { attempt(self); },
      [self](const CommitReply& reply) { take_reply(self, reply.outcome); },
  };
}

}  // namespace

ProcessActor spawn_process(caf::actor_system& system, CorePtr core, StateOwner owner, CallPtr call) {
  return system.spawn(process, std::move(core), std::move(owner), std::move(call));
}

}  // namespace theus::actors
