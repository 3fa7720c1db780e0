#include "actors/caf_ways.hpp"
#include "actors/engine_parts.hpp"

namespace theus {
namespace {

using actors::AgentDefinitionPtr;
using actors::RoundRequest;
using actors::Waiter;

// Questions to the population are answered between two of its messages.
constexpr std::chrono::seconds patience{60};

Error no_answer() {
  return Error{Errc::internal, "population", "it did not answer within a minute",
               "Look for an agent that does not end"};
}

template <class T, class Ask>
Result<T> answer_of(const Ask& ask) {
  auto waiter = std::make_shared<Waiter<T>>();
  ask([waiter](T answer) { waiter->put(std::move(answer)); });
  if (!waiter->wait_until(std::chrono::steady_clock::now() + patience))
    return no_answer();
  return waiter->take();
}

Status flattened(const Result<Status>& answer) { return answer ? *answer : Status{answer.error()}; }

}  // namespace

Status Engine::spawn_agent(Agent agent) {
  return spawn_agents(1, [&](std::size_t) { return std::move(agent); });
}

Status Engine::spawn_agents(std::size_t count, const std::function<Agent(std::size_t)>& factory) {
  if (auto open = impl_->enter("spawn_agents"); !open)
    return open;
  std::vector<AgentDefinitionPtr> definitions;
  definitions.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto definition = actors::define(factory(i), impl_->core->turn.access());
    if (!definition)
      return definition.error();
    definitions.push_back(*std::move(definition));
  }
  return flattened(answer_of<Status>([&](auto answer) {
    actors::tell(impl_->population, actors::AddAgents{std::move(definitions), std::move(answer)});
  }));
}

Status Engine::stop_agent(std::string_view name) {
  if (auto open = impl_->enter("stop_agent"); !open)
    return open;
  return flattened(answer_of<Status>([&](auto answer) {
    actors::tell(impl_->population, actors::StopAgent{std::string{name}, std::move(answer)});
  }));
}

std::vector<std::string> Engine::agents() const {
  if (!impl_->enter("agents"))
    return {};
  return answer_of<std::vector<std::string>>(
             [&](auto answer) { actors::tell(impl_->population, actors::ListAgents{std::move(answer)}); })
      .value_or({});
}

Result<RoundReport> Engine::round(std::string_view pattern, std::chrono::milliseconds timeout) {
  if (auto open = impl_->enter("round"); !open)
    return open.error();
  auto waiter = std::make_shared<Waiter<Result<RoundReport>>>();
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  auto request = std::make_shared<RoundRequest>(
      std::string{pattern}, deadline, [waiter](Result<RoundReport> report) { waiter->put(std::move(report)); });
  actors::tell(impl_->population, actors::StartRound{request});
  if (!waiter->wait_until(deadline) && !request->expire() && !waiter->wait_until(deadline + patience))
    return no_answer();
  return waiter->take();
}

}  // namespace theus
