#include "actors/agent_definition.hpp"

#include <algorithm>

namespace theus::actors {
namespace {

Error misdeclared(const Agent& agent, std::string cause, std::string remedy) {
  return Error{Errc::bad_argument, "agent '" + agent.name + "'", std::move(cause), std::move(remedy)};
}

Status check_bounds(const Agent& agent) {
  if (agent.name.empty() || !agent.body)
    return misdeclared(agent, "an agent needs a name and a body", "Set both");
  if (agent.backlog_max == 0 || agent.attempts_max < 1 || agent.restarts.within.count() <= 0 ||
      agent.on.tick.count() < 0)
    return misdeclared(agent, "backlog_max, attempts_max and restarts.within must be positive, a tick not negative",
                       "Leave them at their defaults");
  return {};
}

Result<std::vector<Path>> watched(const Agent& agent, const Contract& contract) {
  std::vector<Path> paths;
  for (const std::string& text : agent.on.changes) {
    auto path = Path::parse(text);
    if (!path)
      return path.error();
    if (contract.reading(*path, contract.standing()) == Contract::Reading::none)
      return contract.illegal_read(*path);
    paths.push_back(*std::move(path));
  }
  return paths;
}

bool same(const AgentTerms& a, const AgentTerms& b) {
  return a.changes == b.changes && a.tick == b.tick && a.acts == b.acts && a.backlog_max == b.backlog_max &&
         a.attempts_max == b.attempts_max && a.group == b.group && a.restarts.times == b.restarts.times &&
         a.restarts.within == b.restarts.within &&
         std::ranges::equal(a.signals, b.signals, {}, &NamePattern::text, &NamePattern::text);
}

}  // namespace

Result<AgentDefinitionPtr> define(Agent agent, const std::shared_ptr<const AccessTable>& access,
                                  const AgentDefinitionPtr& kin) {
  if (auto bounded = check_bounds(agent); !bounded)
    return bounded.error();
  auto contract =
      Contract::compile(agent.name, agent.reads, agent.writes, Semantic::effect, agent.side_effects, access);
  if (!contract)
    return contract.error();
  auto changes = watched(agent, *contract);
  if (!changes)
    return changes.error();
  AgentTerms terms{.signals = {},
                   .changes = *std::move(changes),
                   .tick = agent.on.tick,
                   .acts = agent.on.any(),
                   .backlog_max = agent.backlog_max,
                   .attempts_max = agent.attempts_max,
                   .group = std::move(agent.group),
                   .restarts = {agent.restarts.times, agent.restarts.within}};
  for (const std::string& pattern : agent.on.signals)
    terms.signals.emplace_back(pattern);
  auto shared =
      kin != nullptr && same(*kin->terms, terms) ? kin->terms : std::make_shared<const AgentTerms>(std::move(terms));
  return std::make_shared<const AgentDefinition>(*std::move(contract), std::move(agent.body), std::move(agent.state),
                                                 std::move(shared));
}

}  // namespace theus::actors
