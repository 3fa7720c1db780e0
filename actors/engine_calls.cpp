#include "actors/caf_ways.hpp"
#include "actors/engine_parts.hpp"

namespace theus {

using actors::Call;
using actors::CallPtr;
using actors::Deadline;
using actors::ProcessPtr;
using actors::Waiter;

Status Engine::register_process(Process process) {
  if (auto open = impl_->enter("register_process"); !open)
    return open;
  return impl_->registry.add(std::move(process));
}

std::vector<ProcessInfo> Engine::processes() const {
  std::vector<ProcessInfo> infos;
  for (const auto& [name, process] : *impl_->registry.table()) {
    const Process& known = process->definition;
    infos.push_back({known.name, known.inputs, known.outputs, known.semantic, known.arguments, known.side_effects,
                     known.errors, known.verify_pure, known.timeout, known.attempts_max});
  }
  return infos;
}

Progress Engine::progress(std::string_view process) const {
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
  const Deadline begun = core->clock->now();
  return std::make_shared<Call>(
      process, std::move(arguments), begun, begun + limit, core->next_execution.fetch_add(1),
      [place = *std::move(place), answer = std::move(answer)](Result<Executed> result) { answer(std::move(result)); },
      std::move(wanted.request_id));
}

Result<Executed> Engine::execute(std::string_view process, Value arguments, ExecuteOptions options) {
  if (auto open = impl_->enter("execute '" + std::string{process} + "'"); !open)
    return open.error();
  auto found = impl_->registry.find(process);
  if (!found)
    return found.error();
  auto waiter = std::make_shared<Waiter<Result<Executed>>>();
  auto call = impl_->make_call(*found, std::move(arguments), std::move(options),
                               [waiter](Result<Executed> result) { waiter->put(std::move(result)); });
  if (!call)
    return call.error();
  actors::spawn_process(*impl_->system, impl_->core, impl_->owner, *call);
  // Past the deadline the call expires, unless its commit is on the way; that one ends at once, or the engine failed.
  for (Deadline until = (*call)->deadline(); !waiter->wait_until(until); until += std::chrono::milliseconds{100}) {
    (*call)->expire(std::chrono::steady_clock::now());
    if (auto failure = impl_->core->failure())
      (*call)->finish(*failure);
  }
  return waiter->take();
}

std::future<Result<Executed>> Engine::execute_async(std::string_view process, Value arguments, ExecuteOptions options) {
  auto promise = std::make_shared<std::promise<Result<Executed>>>();
  auto future = promise->get_future();
  const auto refuse = [&](const Error& error) {
    promise->set_value(error);
    return std::move(future);
  };
  if (auto open = impl_->enter("execute_async '" + std::string{process} + "'"); !open)
    return refuse(open.error());
  auto found = impl_->registry.find(process);
  if (!found)
    return refuse(found.error());
  auto call = impl_->make_call(*found, std::move(arguments), std::move(options),
                               [promise](Result<Executed> result) { promise->set_value(std::move(result)); });
  if (!call)
    return refuse(call.error());
  actors::tell(impl_->supervisor, actors::WatchDeadline{*call});
  actors::spawn_process(*impl_->system, impl_->core, impl_->owner, *call);
  return future;
}

}  // namespace theus
