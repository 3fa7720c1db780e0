#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"
#include "runtime/snapshot_access.hpp"

namespace theus::actors {
namespace {

struct State {
  static inline constexpr const char* name = "agent";
  CorePtr core;
  AgentDirectoryPtr directory;
  AgentDefinitionPtr definition;
};

Result<ExecutionResult> step(const State& state, const Round& round, std::size_t index) {
  const AgentDefinition& definition = *state.definition;
  Core& core = *state.core;
  // What is shared by all agents is lent, not owned: threads would wait for each other's counts.
  const auto lent = []<class T>(T* object) { return std::shared_ptr<T>{std::shared_ptr<void>{}, object}; };
  ExecutionStart start{.contract = {state.definition, &definition.contract},
                       .snapshot = SnapshotAccess::lent(round.snapshot),
                       .agent_state = round.slots[index].state,
                       .id = round.first_execution + index,
                       .call = lent(&core.no_call),
                       .log = core.log,
                       .time = round.time,
                       .random = random_stream(round.seed, definition.name(), round.snapshot.version()),
                       .trail = lent(&core.trail),
                       .trigger = &round.trigger(index),
                       .addressees = round.addressees != nullptr ? round.addressees : state.directory.get(),
                       .notes_reads = false};
  return run_body(definition.body, std::make_shared<Execution>(std::move(start)));
}

AgentActor::behavior_type agent(AgentActor::stateful_pointer<State> self, CorePtr core, AgentDirectoryPtr directory,
                                AgentDefinitionPtr definition) {
  prepare(self, core);
  self->state.core = std::move(core);
  self->state.directory = std::move(directory);
  self->state.definition = std::move(definition);
  return {
      // Not const, so that the round is handed on without being counted: that would be done by all threads at once.
      [self](RoundStep& message) {
        message.round->fill(message.index, step(self->state, *message.round, message.index), *message.token);
        Round::pass_on(std::move(message.round), *message.token);
      },
  };
}

}  // namespace

AgentActor spawn_agent(caf::actor_system& system, CorePtr core, AgentDirectoryPtr directory,
                       AgentDefinitionPtr definition) {
  return system.spawn(agent, std::move(core), std::move(directory), std::move(definition));
}

}  // namespace theus::actors
