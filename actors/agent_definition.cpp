#include "actors/agent_definition.hpp"

namespace theus::actors {

Result<AgentDefinitionPtr> define(Agent agent, const std::shared_ptr<const AccessTable>& access) {
  if (agent.name.empty() || !agent.body)
    return Error{Errc::bad_argument, "agent '" + agent.name + "'", "an agent needs a name and a body", "Set both"};
  auto contract =
      Contract::compile(std::move(agent.name), agent.reads, agent.writes, Semantic::effect, agent.side_effects, access);
  if (!contract)
    return contract.error();
  return std::make_shared<const AgentDefinition>(*std::move(contract), std::move(agent.body), std::move(agent.state));
}

}  // namespace theus::actors
