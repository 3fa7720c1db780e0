#include "actors/caf_ways.hpp"
#include "actors/engine_parts.hpp"
#include "actors/process_actor.hpp"
#include "actors/waiting_caller.hpp"
#include "actors/worker_service.hpp"

namespace theus {

using actors::Call;
using actors::CallPtr;
using actors::Deadline;
using actors::ProcessPtr;

Status Engine::register_process(Process process) {
  if (auto open = impl_->enter("register_process"); !open)
    return open;
  // An engine that only lends its definitions runs none of them.
  const bool has_workers = actors::serves_as_worker() || !impl_->options.workers.command.empty();
  if (process.isolated && !has_workers && impl_->spawned == nullptr)
    return Error{Errc::unsupported, "'" + process.name + "'",
                 "it is isolated, and this program cannot be started as a worker",
                 "Call theus::serve_if_worker() at the top of main(), or set EngineOptions::workers.command"};
  return impl_->registry.add(std::move(process));
}

std::vector<ProcessInfo> Engine::processes() const {
  impl_->require_parent("processes");
  std::vector<ProcessInfo> infos;
  for (const auto& [name, process] : *impl_->registry.table()) {
    const Process& known = process->definition;
    infos.push_back({known.name, known.inputs, known.outputs, known.semantic, known.arguments, known.side_effects,
                     known.errors, known.verify_pure, known.blocking, known.isolated, known.timeout,
                     known.attempts_max});
  }
  return infos;
}

Progress Engine::progress(std::string_view process) const {
  impl_->require_parent("progress");
  const auto found = impl_->registry.find(process);
  if (!found)
    return {};
  return {std::string{process}, (*found)->progress->done.load(std::memory_order_relaxed),
          (*found)->progress->total.load(std::memory_order_relaxed)};
}

Result<CallPtr> Engine::Impl::make_call(const ProcessPtr& process, Value arguments, ExecuteOptions wanted,
                                        Call::Answer answer) {
  if (auto fit = check_request_id(wanted.request_id); !fit)
    return fit.error();
  if (auto fit = check_arguments(*process, arguments); !fit)
    return fit.error();
  auto place = admit();
  if (!place)
    return place.error();
  const auto limit = wanted.timeout.count() > 0 ? wanted.timeout : process->definition.timeout;
  auto call = std::make_shared<Call>(
      process, std::move(arguments), *core->clock, core->clock->now() + limit, core->next_execution.fetch_add(1),
      [place = *std::move(place), answer = std::move(answer)](Result<Executed> result) { answer(std::move(result)); },
      std::move(wanted.request_id));
  if (wanted.cancel.stop_possible())
    call->cancel_with(wanted.cancel);
  return call;
}

CallPtr Engine::Impl::start_call(std::string_view process, Value arguments, ExecuteOptions wanted,
                                 const std::shared_ptr<PendingExecution::State>& state, bool will_wait) {
  const auto refuse = [&](const Error& error) {
    state->settle(error);
    return nullptr;
  };
  if (auto open = enter("execute '" + std::string{process} + "'"); !open)
    return refuse(open.error());
  auto found = registry.find(process);
  if (!found)
    return refuse(found.error());
  const bool is_run_here = will_wait && (*found)->definition.isolated && wanted.request_id.empty();
  const auto caller = is_run_here ? std::make_shared<actors::WaitingCaller>() : nullptr;
  auto call = make_call(*found, std::move(arguments), std::move(wanted), [state, caller](Result<Executed> result) {
    state->settle(std::move(result));
    if (caller != nullptr)
      caller->call_is_over();
  });
  if (!call)
    return refuse(call.error());
  state->call = *call;
  const auto attempts = caller != nullptr ? caller->run(core, *call) : std::optional{0};
  if (attempts)
    actors::go_on_with_process(*system, core, owner, *call, *attempts);
  return *std::move(call);
}

Result<Executed> Engine::execute(std::string_view process, Value arguments, ExecuteOptions options) {
  auto state = std::make_shared<PendingExecution::State>(impl_->core, Executor{});
  impl_->start_call(process, std::move(arguments), std::move(options), state, true);
  return PendingExecution{std::move(state)}.get();
}

PendingExecution Engine::execute_async(std::string_view process, Value arguments, ExecuteOptions options) {
  auto state = std::make_shared<PendingExecution::State>(impl_->core, options.executor);
  // The supervisor ends it in time, for nobody may wait for it.
  if (auto call = impl_->start_call(process, std::move(arguments), std::move(options), state, false))
    actors::tell(impl_->supervisor, actors::WatchDeadline{call});
  return PendingExecution{std::move(state)};
}

PendingExecution Engine::execute_async(std::string_view process, Value arguments) {
  return execute_async(process, std::move(arguments), ExecuteOptions{});
}

EngineStatistics Engine::statistics() const {
  impl_->require_parent("statistics");
  EngineStatistics told;
  told.in_flight = impl_->in_flight->load(std::memory_order_relaxed);
  told.overloaded = impl_->overloaded.load(std::memory_order_relaxed);
  const auto load = impl_->core->blocking.load();
  told.blocking_threads = load.threads;
  told.blocking_waiting = load.waiting;
  told.unexpected_messages = impl_->core->unexpected_messages.load(std::memory_order_relaxed);
  told.agents = impl_->directory->statistics();
  for (const auto& [name, process] : *impl_->registry.table()) {
    const actors::CallCounters& counters = process->counters;
    told.processes.push_back({name, counters.succeeded.load(), counters.failed.load(), counters.expired.load(),
                              counters.cancelled.load(), counters.conflicts.load(), counters.running.load(),
                              counters.latency.summary()});
  }
  told.conflicts = impl_->core->conflicts.most_frequent();
  return told;
}

}  // namespace theus
