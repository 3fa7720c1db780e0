#include "actors/rehearsal.hpp"

#include "actors/engine_parts.hpp"

namespace theus {

Rehearsal::Rehearsal(const AccessOptions& access, std::uint64_t seed)
    : engine_({.threads = 1, .seed = seed, .access = access, .log = [](const LogEntry&) {}}) {
  engine_.impl_->spawned = std::make_unique<actors::Spawned>();
}

Cast Rehearsal::cast() const {
  const Engine::Impl& impl = *engine_.impl_;
  Cast cast{.access = impl.core->turn.access(), .seed = impl.core->seed};
  const auto table = impl.registry.table();
  for (const auto& [name, process] : *table)
    cast.processes.emplace(name, RerunProcess{process->definition, process->contract});
  const std::lock_guard lock{impl.spawned->mutex};
  for (const actors::AgentDefinitionPtr& agent : impl.spawned->agents)
    cast.agents.push_back({{agent, &agent->contract}, agent->body, agent->terms->acts});
  cast.cohorts = impl.spawned->cohorts;
  return cast;
}

}  // namespace theus
