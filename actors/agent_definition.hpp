#pragma once

#include "runtime/contract.hpp"
#include "runtime/name_pattern.hpp"
#include "runtime/supervision_tree.hpp"

#include <theus/agent.hpp>

#include <memory>

namespace theus::actors {

/// What an agent is held to beside its contract. Most agents of a kind share one.
struct AgentTerms {
  std::vector<NamePattern> signals;
  std::vector<Path> changes;
  std::chrono::milliseconds tick{0};
  bool acts = false;  // on its own, instead of in rounds
  std::size_t backlog_max = 0;
  int attempts_max = 0;
  std::string group;
  SupervisionTree::Terms restarts{};
};

/// An agent as it was declared, checked. Immutable.
struct AgentDefinition {
  Contract contract;
  Body body;
  Value initial_state;
  std::shared_ptr<const AgentTerms> terms;

  const std::string& name() const noexcept { return contract.name(); }
};
using AgentDefinitionPtr = std::shared_ptr<const AgentDefinition>;

/// Refuses (bad_argument) an agent without name or body, terms that cannot be kept and changes that it may not read,
/// and what Contract::compile refuses. Takes over the terms of `kin`, when they are the same.
Result<AgentDefinitionPtr> define(Agent agent, const std::shared_ptr<const AccessTable>& access,
                                  const AgentDefinitionPtr& kin = nullptr);

}  // namespace theus::actors
