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
  std::vector<AgentDefinitionPtr> lent;  // as they were declared, where they do not act
  definitions.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    Agent agent = factory(i);
    if (impl_->spawned != nullptr) {
      auto acting = actors::define(agent, impl_->core->turn.access());
      if (!acting)
        return acting.error();
      lent.push_back(*std::move(acting));
      agent.on = {};
    }
    auto definition = actors::define(std::move(agent), impl_->core->turn.access(),
                                     definitions.empty() ? nullptr : definitions.front());
    if (!definition)
      return definition.error();
    definitions.push_back(*std::move(definition));
  }
  auto added = flattened(answer_of<Status>([&](auto answer) {
    actors::tell(impl_->population, actors::AddAgents{std::move(definitions), std::move(answer)});
  }));
  if (added && impl_->spawned != nullptr) {
    const std::lock_guard lock{impl_->spawned->mutex};
    impl_->spawned->agents.insert(impl_->spawned->agents.end(), lent.begin(), lent.end());
  }
  return added;
}

Status Engine::stop_agent(std::string_view name) {
  if (auto open = impl_->enter("stop_agent"); !open)
    return open;
  auto stopped = flattened(answer_of<Status>([&](auto answer) {
    actors::tell(impl_->population, actors::StopAgent{std::string{name}, std::move(answer)});
  }));
  if (stopped && impl_->spawned != nullptr) {
    const std::lock_guard lock{impl_->spawned->mutex};
    std::erase_if(impl_->spawned->agents, [&](const AgentDefinitionPtr& agent) { return agent->name() == name; });
  }
  return stopped;
}

std::vector<std::string> Engine::agents() const {
  std::vector<std::string> names;
  for (AgentStatus& status : agent_status())
    if (!status.is_stopped)
      names.push_back(std::move(status.name));
  return names;
}

std::vector<AgentStatus> Engine::agent_status() const {
  if (!impl_->enter("agent_status"))
    return {};
  return answer_of<std::vector<AgentStatus>>(
             [&](auto answer) { actors::tell(impl_->population, actors::ListAgents{std::move(answer)}); })
      .value_or({});
}

Result<std::size_t> Engine::host_agents() {
  if (auto open = impl_->enter("host_agents"); !open)
    return open.error();
  if (impl_->core->owner == nullptr)
    return Error{Errc::unsupported, "host_agents", "this engine owns its state, and steps its agents anyway",
                 "Call it in a process that has joined, see Engine::from_handle()"};
  const auto agents = answer_of<std::vector<OfferedAgent>>(
      [&](auto answer) { actors::tell(impl_->population, actors::OfferAgents{std::move(answer)}); });
  if (!agents)
    return agents.error();
  return impl_->core->owner->host(*agents, [population = impl_->population](RoundShare share, Snapshot snapshot) {
    actors::tell(population, actors::StepShare{std::make_shared<RoundShare>(std::move(share)), std::move(snapshot)});
  });
}

std::vector<RoundHost> Engine::round_hosts() const {
  if (!impl_->enter("round_hosts"))
    return {};
  return answer_of<std::vector<RoundHost>>(
             [&](auto answer) { actors::tell(impl_->population, actors::ListHosts{std::move(answer)}); })
      .value_or({});
}

Status Engine::send(std::string_view agent, Value message) {
  if (auto open = impl_->enter("send"); !open)
    return open;
  const auto inbox = impl_->directory->inbox(agent);
  if (!inbox)
    return inbox.error();
  return (*inbox)->post({.sender = {}, .content = std::move(message)});
}

Status Engine::supervise(std::string_view group, Restarts terms) {
  if (auto open = impl_->enter("supervise"); !open)
    return open;
  if (group.empty() || terms.within.count() <= 0)
    return Error{Errc::bad_argument, "group '" + std::string{group} + "'",
                 "a group needs a name, and its terms a positive span", "Name it as in Agent::group"};
  actors::tell(impl_->population, actors::Supervise{std::string{group}, {terms.times, terms.within}});
  return {};
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
