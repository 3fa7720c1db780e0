#include "actors/caf_ways.hpp"
#include "actors/engine_parts.hpp"
#include "runtime/cohort_table.hpp"

#include <theus/nearest.hpp>

namespace theus {
namespace {

using actors::Answer;
using actors::CohortActor;
using actors::Waiter;

// Between two steps; a step itself takes as long as it takes.
constexpr std::chrono::seconds patience{60};

std::string named(std::string_view cohort) { return "cohort '" + std::string{cohort} + "'"; }

/// What the cohort answers within the time.
template <class T, class Ask>
Result<T> answer_of(std::string_view cohort, std::chrono::milliseconds timeout, const Ask& ask) {
  auto waiter = std::make_shared<Waiter<Result<T>>>();
  ask(Answer<T>{named(cohort), [waiter](Result<T> answer) { waiter->put(std::move(answer)); }});
  if (!waiter->wait_until(std::chrono::steady_clock::now() + timeout))
    return Error{Errc::deadline, named(cohort), "no answer within " + std::to_string(timeout.count()) + " ms",
                 "The step may still end; give it more time"};
  return waiter->take();
}

}  // namespace

Result<CohortActor> Engine::Impl::find_cohort(std::string_view name) {
  const std::lock_guard lock{cohorts_mutex};
  if (const auto found = cohorts.find(name); found != cohorts.end())
    return found->second;
  std::vector<std::string> known;
  for (const auto& [other, actor] : cohorts)
    known.push_back(other);
  return Error{Errc::unknown_agent, named(name), "no cohort of this name exists", suggest(name, known)};
}

Status Engine::spawn_cohort(Cohort cohort) {
  if (auto open = impl_->enter("spawn_cohort"); !open)
    return open;
  const std::string name = cohort.name;
  std::optional<Cohort> lent;
  if (impl_->spawned != nullptr)
    lent = cohort;
  auto table = CohortTable::make(std::move(cohort), impl_->core->seed, impl_->core->turn.access());
  if (!table)
    return table.error();
  const std::lock_guard lock{impl_->cohorts_mutex};
  // Again: a shutdown that has begun meanwhile ends only the cohorts that it finds.
  if (auto open = impl_->enter("spawn_cohort"); !open)
    return open;
  if (impl_->cohorts.contains(name))
    return Error{Errc::duplicate_name, named(name), "a cohort of this name exists",
                 "Stop it first, or choose another name"};
  impl_->cohorts.emplace(name, actors::spawn_cohort(*impl_->system, impl_->core, impl_->owner, *std::move(table)));
  if (lent) {
    const std::lock_guard spawned_lock{impl_->spawned->mutex};
    impl_->spawned->cohorts.push_back(*std::move(lent));
  }
  return {};
}

Result<CohortReport> Engine::step_cohort(std::string_view name, std::chrono::milliseconds timeout) {
  if (auto open = impl_->enter("step_cohort"); !open)
    return open.error();
  const auto cohort = impl_->find_cohort(name);
  if (!cohort)
    return cohort.error();
  return answer_of<CohortReport>(name, timeout, [&](Answer<CohortReport> answer) {
    actors::tell(*cohort, actors::StepCohort{std::move(answer)});
  });
}

Result<std::vector<double>> Engine::cohort_column(std::string_view name, std::string_view column) const {
  if (auto open = impl_->enter("cohort_column"); !open)
    return open.error();
  const auto cohort = impl_->find_cohort(name);
  if (!cohort)
    return cohort.error();
  return answer_of<std::vector<double>>(name, patience, [&](Answer<std::vector<double>> answer) {
    actors::tell(*cohort, actors::ReadColumn{std::string{column}, std::move(answer)});
  });
}

Status Engine::stop_cohort(std::string_view name) {
  if (auto open = impl_->enter("stop_cohort"); !open)
    return open;
  const auto cohort = impl_->find_cohort(name);
  if (!cohort)
    return cohort.error();
  const std::lock_guard lock{impl_->cohorts_mutex};
  impl_->cohorts.erase(std::string{name});
  if (impl_->spawned != nullptr) {
    const std::lock_guard spawned_lock{impl_->spawned->mutex};
    std::erase_if(impl_->spawned->cohorts, [&](const Cohort& each) { return each.name == name; });
  }
  caf::anon_send_exit(*cohort, caf::exit_reason::user_shutdown);
  return {};
}

}  // namespace theus
