#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"
#include "actors/snapshot_reader.hpp"
#include "actors/user_callback.hpp"
#include "actors/workflow_errors.hpp"
#include "runtime/backoff.hpp"
#include "runtime/workflow_cursor.hpp"

#include <algorithm>
#include <deque>

namespace theus::actors {
namespace {

constexpr int write_attempts_max = 8;

struct State {
  static inline constexpr const char* name = "workflow-runner";

  CorePtr core;
  StateOwner owner;
  Population population;
  WorkflowRunPtr run;
  std::optional<WorkflowCursor> cursor;
  std::optional<WorkflowCursor> before;  // the cursor before the current step, to evaluate it again after a conflict

  std::optional<WorkflowAction> action;  // what the current step is doing
  std::uint64_t step = 0;                // counts actions
  std::uint32_t attempt = 0;             // of the current action
  CallPtr call;                          // of the current action, when it runs a process
  std::deque<StepReport> reports;
  std::uint64_t steps_run = 0;
  Version version = 0;
  std::optional<Deadline> next_tick;
  bool waits_to_repeat = false;  // the current step failed and will be tried again

  // A runner that dies answers whoever waits for it.
  ~State() {
    if (run != nullptr)
      run->answer(Error{Errc::process_failed, "workflow '" + run->workflow.name() + "'",
                        "its runner ended unexpectedly", "Steps that were committed stay committed"});
  }
};

using Self = WorkflowRunner::stateful_pointer<State>;

void end(Self self, Result<WorkflowReport> result) {
  State& state = self->state;
  const WorkflowRunPtr run = std::move(state.run);
  if (state.call != nullptr)
    state.call->state().cancelled.store(true, std::memory_order_relaxed);
  run->answer(std::move(result));
  self->quit();
}

void finish(Self self) {
  State& state = self->state;
  WorkflowReport report;
  report.steps.assign(std::make_move_iterator(state.reports.begin()), std::make_move_iterator(state.reports.end()));
  report.steps_run = state.steps_run;
  report.version = state.core->turn.version();
  end(self, std::move(report));
}

/// Stops the workflow at the current step.
void fail(Self self, const Error& why) {
  const State& state = self->state;
  end(self, failed_at(place_of(*state.action), why, state.steps_run));
}

/// One timer serves all steps: it looks again at the earliest deadline there is when it goes off.
void plan_tick(Self self) {
  State& state = self->state;
  const Deadline due =
      state.call != nullptr ? std::min(state.call->deadline(), state.run->deadline) : state.run->deadline;
  if (state.next_tick && *state.next_tick <= due)
    return;
  state.next_tick = due;
  tell_later(WorkflowRunner{self}, std::max(due - state.core->clock->now(), Deadline::duration{0}), RunTick{});
}

void run_process(Self self, const RunProcess& wanted) {
  State& state = self->state;
  const ProcessPtr& process = state.run->processes->find(wanted.process)->second;
  const Clock& clock = *state.core->clock;
  const Deadline due = clock.now() + wanted.timeout.value_or(process->definition.timeout);
  const WorkflowRunner runner{self};
  const std::uint64_t step = state.step;
  ++state.attempt;
  state.call = std::make_shared<Call>(process, wanted.arguments, clock, std::min(due, state.run->deadline),
                                      state.core->next_execution.fetch_add(1, std::memory_order_relaxed),
                                      [runner, step](Result<Executed> result) {
                                        tell(runner, StepAnswered{step, std::move(result)});
                                      });
  state.call->state().run_cancelled = {state.run, &state.run->cancelled};
  plan_tick(self);
  spawn_process(self->system(), state.core, state.owner, state.call);
}

void commit(Self self, Proposal proposal) {
  State& state = self->state;
  ++state.attempt;
  if (state.core->records_causes())
    proposal.cause = std::make_shared<const Cause>(Cause{.kind = Cause::Kind::workflow,
                                                         .name = state.run->workflow.name(),
                                                         .number = state.step,
                                                         .attempt = state.attempt,
                                                         .time = state.core->clock->wall()});
  tell(self->state.owner, CommitRequest{std::make_shared<const Proposal>(std::move(proposal)), self});
}

void set_values(Self self, const SetValues& wanted, const SnapshotReader& reader) {
  Proposal proposal;
  proposal.base = reader.version();
  proposal.reads = reader.reads();
  for (const auto& [path, value] : wanted.values)
    proposal.writes.push_back(Write::set(path, value));
  if (auto fits = self->state.core->turn.access()->admit_all(proposal.writes); !fits)
    return fail(self, fits.error());
  commit(self, std::move(proposal));
}

void emit(Self self, const Emit& wanted) {
  Proposal proposal;
  proposal.base = self->state.core->turn.version();
  proposal.signals.push_back({wanted.signal, wanted.payload});
  commit(self, std::move(proposal));
}

void run_round(Self self, const theus::Round& wanted) {
  State& state = self->state;
  const WorkflowRunner runner{self};
  tell(state.population, StartRound{std::make_shared<RoundRequest>(wanted.agents, state.run->deadline,
                                                                   [runner](Result<RoundReport> report) {
                                                                     tell(runner, RoundAnswered{std::move(report)});
                                                                   })});
}

void observe(Self self) {
  State& state = self->state;
  if (!state.run->observer)
    return;
  const WorkflowProgress progress = state.cursor->progress();
  const auto seen = call_user([&] { state.run->observer({progress.step, progress.done, progress.total.value_or(0)}); });
  if (!seen && state.core->log)
    state.core->log({LogLevel::warning,
                     "an observer failed: " + seen.error().cause(),
                     {},
                     state.run->workflow.name(),
                     0,
                     state.core->turn.version(),
                     state.core->clock->wall()});
}

/// Asks the cursor and begins what it says.
void evaluate(Self self) {
  State& state = self->state;
  SnapshotReader reader{state.core->turn.snapshot()};
  auto next = state.cursor->next(reader);
  if (!next)
    return end(self, Error{next.error()}.with("steps_run", state.steps_run));
  state.action = *std::move(next);
  if (std::holds_alternative<Finished>(*state.action))
    return finish(self);
  observe(self);
  std::visit(
      [&]<class Action>(const Action& action) {
        if constexpr (std::is_same_v<Action, RunProcess>)
          run_process(self, action);
        else if constexpr (std::is_same_v<Action, SetValues>)
          set_values(self, action, reader);
        else if constexpr (std::is_same_v<Action, Emit>)
          emit(self, action);
        else if constexpr (std::is_same_v<Action, theus::Round>)
          run_round(self, action);
      },
      *state.action);
}

void advance(Self self) {
  State& state = self->state;
  if (state.run->cancelled.load(std::memory_order_relaxed) || state.core->is_closing.load(std::memory_order_relaxed))
    return end(self, cancelled(*state.run));
  if (state.core->clock->now() >= state.run->deadline)
    return end(self, too_late(*state.run));
  ++state.step;
  state.attempt = 0;
  state.call.reset();
  state.before = state.cursor;
  evaluate(self);
}

void step_done(Self self, Value value, Version version, int attempts) {
  State& state = self->state;
  ++state.steps_run;
  state.reports.push_back({place_of(*state.action).label, std::move(value), version, attempts});
  if (state.reports.size() > WorkflowReport::steps_kept_max)
    state.reports.pop_front();
  advance(self);
}

void take_step(Self self, const StepAnswered& answered) {
  State& state = self->state;
  if (answered.step != state.step || state.run == nullptr)
    return;
  if (answered.result)
    return step_done(self, answered.result->value, answered.result->version, answered.result->attempts);
  const auto& wanted = std::get<RunProcess>(*state.action);
  if (state.attempt >= wanted.attempts || state.run->cancelled.load(std::memory_order_relaxed))
    return fail(self, answered.result.error());
  const auto base = std::chrono::duration_cast<std::chrono::microseconds>(wanted.backoff);
  constexpr std::chrono::microseconds most = std::chrono::minutes{1};
  state.waits_to_repeat = true;
  tell_later(WorkflowRunner{self}, backoff(static_cast<int>(state.attempt) + 1, state.step, base, most), RepeatStep{});
}

void take_commit(Self self, const Outcome& outcome) {
  State& state = self->state;
  if (outcome)
    return step_done(self, {}, *outcome, static_cast<int>(state.attempt));
  const bool conflict = outcome.error().code() == Errc::version_mismatch;
  if (!conflict || state.attempt >= write_attempts_max)
    return fail(self, outcome.error());
  state.cursor = state.before;
  evaluate(self);
}

void repeat(Self self) {
  State& state = self->state;
  state.waits_to_repeat = false;
  run_process(self, std::get<RunProcess>(*state.action));
}

void take_tick(Self self) {
  State& state = self->state;
  const Deadline now = state.core->clock->now();
  state.next_tick.reset();
  if (state.call != nullptr && now >= state.call->deadline())
    state.call->expire(now);
  if (now >= state.run->deadline)
    return end(self, too_late(*state.run));
  plan_tick(self);
}

WorkflowRunner::behavior_type workflow_runner(Self self, CorePtr core, StateOwner owner, Population population,
                                              WorkflowRunPtr run) {
  prepare(self, core);
  State& state = self->state;
  state.core = std::move(core);
  state.owner = std::move(owner);
  state.population = std::move(population);
  state.run = std::move(run);
  state.cursor.emplace(state.run->workflow);
  plan_tick(self);
  advance(self);
  return {
      [self](const StepAnswered& answered) { take_step(self, answered); },
      [self](const RoundAnswered& answered) {
        if (!answered.report)
          return fail(self, answered.report.error());
        step_done(self, Value{{"agents", answered.report->agents}, {"writes", answered.report->writes}},
                  answered.report->version, 1);
      },
      [self](const CommitReply& reply) { take_commit(self, reply.outcome); },
      [self](RepeatStep) { repeat(self); },
      [self](RunTick) { take_tick(self); },
      [self](CancelRun) {
        if (self->state.waits_to_repeat)
          end(self, cancelled(*self->state.run));
      },
  };
}

}  // namespace

WorkflowRunner spawn_workflow_runner(caf::actor_system& system, CorePtr core, StateOwner owner, Population population,
                                     WorkflowRunPtr run) {
  return system.spawn(workflow_runner, std::move(core), std::move(owner), std::move(population), std::move(run));
}

}  // namespace theus::actors
