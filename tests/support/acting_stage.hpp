#pragma once

#include "actors/caf_ways.hpp"
#include "tests/support/engine_stage.hpp"

namespace theus::testing {

/// Agents that act on their own, on a schedule that the seed draws.
class ActingStage : public EngineStage {
public:
  explicit ActingStage(std::uint64_t seed = 0, actors::ActingSpawner spawner = actors::spawn_acting_agent)
      : EngineStage(seed) {
    hub_ = actors::spawn_hub(system(), core());
    scout_ = actors::spawn_scout(system(), core(), hub_);
    population_ = actors::spawn_population(
        system(), {.core = core(),
                   .owner = owner(),
                   .scout = scout_,
                   .directory = directory_,
                   .spawner = {},
                   .acting_spawner = std::move(spawner),
                   .on_escalation = [this](const Escalation& escalation) { escalations.push_back(escalation); }});
  }
  ~ActingStage() {
    for (const auto& each : {caf::actor_cast<caf::actor>(population_), caf::actor_cast<caf::actor>(scout_),
                             caf::actor_cast<caf::actor>(hub_)})
      caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
    population_ = nullptr;
    scout_ = nullptr;
    hub_ = nullptr;
    settle();
  }

  Status add(std::vector<Agent> agents) {
    std::vector<actors::AgentDefinitionPtr> definitions;
    for (Agent& agent : agents) {
      auto definition = actors::define(std::move(agent), core()->turn.access());
      if (!definition)
        return definition.error();
      definitions.push_back(*definition);
    }
    std::optional<Status> answer;
    actors::tell(population_, actors::AddAgents{std::move(definitions), [&](Status status) { answer = status; }});
    settle();
    return answer.value();
  }
  Status stop(const std::string& name) {
    std::optional<Status> answer;
    actors::tell(population_, actors::StopAgent{name, [&](Status status) { answer = status; }});
    settle();
    return answer.value();
  }
  std::vector<AgentStatus> status() {
    std::optional<std::vector<AgentStatus>> answer;
    actors::tell(population_, actors::ListAgents{[&](auto report) { answer = std::move(report); }});
    settle();
    return answer.value();
  }
  AgentStatistics statistics() const { return directory_->statistics(); }
  Result<RoundReport> round() {
    std::optional<Result<RoundReport>> answer;
    actors::tell(population_, actors::StartRound{std::make_shared<actors::RoundRequest>(
                                  "*", core()->clock->now() + std::chrono::seconds{60},
                                  [&](Result<RoundReport> report) { answer = std::move(report); })});
    settle();
    return answer.value();
  }
  void supervise(const std::string& group, std::size_t times) {
    actors::tell(population_, actors::Supervise{group, {times, std::chrono::seconds{60}}});
  }
  Status send(std::string_view agent, Value message) {
    const auto inbox = directory_->inbox(agent);
    return inbox ? (*inbox)->post({.sender = {}, .content = std::move(message)}) : Status{inbox.error()};
  }

  std::vector<Escalation> escalations;

private:
  actors::AgentDirectoryPtr directory_ = std::make_shared<actors::AgentDirectory>();
  actors::Hub hub_;
  actors::Scout scout_;
  actors::Population population_;
};

// What it was told, as a list that each run appends to.
inline Agent scribe(std::string name, AgentTriggers on) {
  return {.name = std::move(name),
          .reads = {"domain"},
          .writes = {"domain.seen"},
          .on = std::move(on),
          .body = [](Context& ctx) {
            const Trigger& trigger = ctx.trigger();
            Value paths = Value::list();
            for (const Path& path : trigger.paths)
              paths.push_back(path.text());
            ctx.append("domain.seen", Value::list({to_string(trigger.kind), trigger.number, trigger.missed,
                                                   trigger.name, trigger.payload, paths}));
          }};
}

}  // namespace theus::testing
