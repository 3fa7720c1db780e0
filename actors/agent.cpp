#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"

namespace theus::actors {
namespace {

struct State {
  static inline constexpr const char* name = "agent";
  CorePtr core;
  AgentDefinitionPtr definition;
};

Result<ExecutionResult> step(const State& state, const Round& round, std::size_t index) {
  ExecutionStart start{.contract = state.definition->contract, .snapshot = round.snapshot};
  start.agent_state = round.slots[index].state;
  start.id = state.core->next_execution.fetch_add(1, std::memory_order_relaxed);
  start.log = state.core->log;
  start.time = state.core->clock->wall();
  start.random = random_stream(state.core->seed, state.definition->contract->name(), round.snapshot.version());
  start.trail = std::shared_ptr<AuditTrail>{state.core, &state.core->trail};
  return run_body(state.definition->body, std::make_shared<Execution>(std::move(start)));
}

AgentActor::behavior_type agent(AgentActor::stateful_pointer<State> self, CorePtr core, AgentDefinitionPtr definition) {
  prepare(self, core);
  self->state.core = std::move(core);
  self->state.definition = std::move(definition);
  return {
      [self](const RoundStep& message) {
        if (message.round->fill(message.index, step(self->state, *message.round, message.index)))
          message.round->all_done();
      },
  };
}

}  // namespace

AgentActor spawn_agent(caf::actor_system& system, CorePtr core, AgentDefinitionPtr definition) {
  return system.spawn(agent, std::move(core), std::move(definition));
}

}  // namespace theus::actors
