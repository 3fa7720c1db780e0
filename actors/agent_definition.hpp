#pragma once

#include "runtime/contract.hpp"

#include <theus/agent.hpp>

#include <memory>

namespace theus::actors {

/// An agent as it was declared, checked. Immutable.
struct AgentDefinition {
  Contract contract;
  Body body;
  Value initial_state;

  const std::string& name() const noexcept { return contract.name(); }
};
using AgentDefinitionPtr = std::shared_ptr<const AgentDefinition>;

/// Refuses (bad_argument) an agent without name or body, and what Contract::compile refuses.
Result<AgentDefinitionPtr> define(Agent agent, const std::shared_ptr<const AccessTable>& access);

}  // namespace theus::actors
