#include "actors/caf_ways.hpp"
#include "actors/engine_parts.hpp"
#include "runtime/inputs.hpp"

namespace theus {
namespace {

using actors::Waiter;
using actors::WorkflowRun;

// How long after its deadline a run may still be ending.
constexpr std::chrono::seconds grace{10};

/// What the engine knows, as a workflow is checked against it.
class EngineCatalogue final : public Catalogue {
public:
  EngineCatalogue(std::shared_ptr<const actors::Registry::Table> table, std::vector<std::string> agents, Snapshot state)
      : table_(std::move(table)), agents_(std::move(agents)), state_(std::move(state)) {}

  std::vector<ProcessEntry> processes() const override {
    std::vector<ProcessEntry> entries;
    for (const auto& [name, process] : *table_)
      entries.push_back({name, process->definition.arguments});
    return entries;
  }

  std::optional<std::vector<std::string>> agents() const override {
    return agents_.empty() ? std::nullopt : std::optional{agents_};
  }

  std::vector<std::string> roots() const override {
    std::vector<std::string> roots;
    const auto add = [&](const Path& path) {
      if (!path.is_root())
        roots.emplace_back(path.segments().front().key);
    };
    for (const auto& [name, process] : *table_)
      for (const auto* patterns : {&process->contract->inputs(), &process->contract->outputs()})
        for (const PathPattern& pattern : *patterns)
          add(pattern.path());
    const Value top = state_.find(Path{}).value_or(Value::map());
    for (const auto [key, value] : top.members())
      roots.emplace_back(key);
    return roots;
  }

private:
  std::shared_ptr<const actors::Registry::Table> table_;
  std::vector<std::string> agents_;
  Snapshot state_;
};

}  // namespace

/// All inputs in one commit. They are read by the calling thread, because an actor does not wait for files.
Status Engine::Impl::load(const Workflow& workflow, const InputOptions& wanted) {
  auto inputs = load_inputs(workflow, wanted);
  if (!inputs)
    return inputs.error();
  std::vector<Write> writes;
  for (auto& [into, value] : *inputs)
    writes.push_back(Write::set(into, std::move(value)));
  if (auto fits = core->turn.access()->admit_all(writes); !fits)
    return fits;
  const Cause cause{.kind = Cause::Kind::input, .name = workflow.name(), .time = core->clock->wall()};
  auto loaded = core->turn.commit({.base = core->turn.version(), .writes = writes, .cause = &cause});
  return loaded ? Status{} : Status{loaded.error()};
}

Status Engine::check(const Workflow& workflow) const {
  return workflow.check(EngineCatalogue{impl_->registry.table(), agents(), state()});
}

Result<WorkflowReport> Engine::execute_workflow(std::string_view path, WorkflowOptions options) {
  if (auto open = impl_->enter("execute_workflow"); !open)
    return open.error();
  const EngineCatalogue catalogue{impl_->registry.table(), agents(), state()};
  auto workflow = Workflow::load(std::filesystem::path{path}, &catalogue);
  if (!workflow)
    return workflow.error();
  return execute_workflow(*workflow, std::move(options));
}

Result<WorkflowReport> Engine::execute_workflow(const Workflow& workflow, WorkflowOptions options) {
  if (auto open = impl_->enter("execute_workflow '" + workflow.name() + "'"); !open)
    return open.error();
  if (auto known = check(workflow); !known)
    return known.error();
  auto place = impl_->admit();
  if (!place)
    return place.error();
  if (auto loaded = impl_->load(workflow, options.inputs); !loaded)
    return loaded.error();

  const auto limit = options.timeout.count() > 0 ? options.timeout : workflow.limits().deadline;
  const auto deadline = impl_->core->clock->now() + limit;
  auto waiter = std::make_shared<Waiter<Result<WorkflowReport>>>();
  auto run = std::make_shared<WorkflowRun>(
      workflow, impl_->registry.table(), deadline, std::move(options.observer),
      [waiter, place = *std::move(place)](Result<WorkflowReport> report) { waiter->put(std::move(report)); });
  // The wish is on record before the first body runs; the message only wakes a runner that waits to repeat a step.
  const std::stop_callback mark{options.cancel, [&] { run->cancelled.store(true, std::memory_order_relaxed); }};
  const auto runner = actors::spawn_workflow_runner(*impl_->system, impl_->core, impl_->owner, impl_->population, run);
  const std::stop_callback wake{options.cancel, [&] { actors::tell(runner, actors::CancelRun{}); }};
  if (!waiter->wait_until(deadline + grace))
    return Error{Errc::deadline, "workflow '" + workflow.name() + "'", "its runner did not answer",
                 "Look for a body that does not end"};
  return waiter->take();
}

}  // namespace theus
