#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"
#include "runtime/restart_policy.hpp"
#include "runtime/round_merge.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>

namespace theus::actors {
namespace {

constexpr std::size_t rounds_waiting_max = 1000;
constexpr int round_attempts_max = 3;

struct Member {
  AgentDefinitionPtr definition;
  AgentActor actor;
  Value state;  // private; as of the last round that was committed
};

struct RunningRound {
  RoundRequestPtr request;
  RoundPtr round;
  std::vector<std::uint64_t> members;  // by slot
  int attempt = 1;
  std::uint64_t writes = 0;
};

struct State {
  static inline constexpr const char* name = "population";

  CorePtr core;
  StateOwner owner;
  AgentSpawner spawner;
  std::map<std::uint64_t, Member> members;  // by order of spawning
  std::unordered_map<std::string, std::uint64_t> by_name;
  std::unordered_map<caf::actor_addr, std::uint64_t> by_address;
  std::unordered_map<std::uint64_t, RestartPolicy> deaths;  // only of those that died
  std::uint64_t next = 0;
  std::deque<RoundRequestPtr> waiting;
  std::optional<RunningRound> running;

  ~State() {
    const Error closed{Errc::closed, "round", "the engine was shut down", "Wait for rounds before shutting down"};
    if (running && running->request->begin_commit())
      running->request->finish(closed);
    for (const RoundRequestPtr& request : waiting)
      if (request->begin_commit())
        request->finish(closed);
  }
};

using Self = Population::stateful_pointer<State>;

void enlist(Self self, std::uint64_t id) {
  State& state = self->state;
  Member& member = state.members.at(id);
  member.actor = state.spawner(member.definition);
  self->monitor(member.actor);
  state.by_address[member.actor.address()] = id;
}

Status add(Self self, const std::vector<AgentDefinitionPtr>& definitions) {
  State& state = self->state;
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    const std::string& name = definitions[i]->contract->name();
    if (!state.by_name.emplace(name, state.next + i).second) {
      for (std::size_t undo = 0; undo < i; ++undo)
        state.by_name.erase(definitions[undo]->contract->name());
      return Error{Errc::duplicate_name, "agent '" + name + "'", "an agent of this name exists",
                   "Stop it first, or choose another name"};
    }
  }
  for (const AgentDefinitionPtr& definition : definitions) {
    state.members.emplace(state.next, Member{definition, {}, definition->initial_state});
    enlist(self, state.next++);
  }
  return {};
}

Status stop(Self self, const std::string& name) {
  State& state = self->state;
  const auto found = state.by_name.find(name);
  if (found == state.by_name.end())
    return Error{Errc::unknown_agent, "agent '" + name + "'", "no agent of this name exists", "Look at agents()"};
  Member& member = state.members.at(found->second);
  // A step that is under way ends first: the exit stands behind it in the mailbox.
  self->demonitor(member.actor.address());
  self->send_exit(member.actor, caf::exit_reason::user_shutdown);
  state.by_address.erase(member.actor.address());
  state.members.erase(found->second);
  state.by_name.erase(found);
  return {};
}

void start_next(Self self);

void end_round(Self self, Result<RoundReport> result) {
  const RoundRequestPtr request = self->state.running->request;
  self->state.running.reset();
  request->finish(std::move(result));
  start_next(self);
}

void run_round(Self self) {
  State& state = self->state;
  RunningRound& running = *state.running;
  running.members.clear();
  for (const auto& [id, member] : state.members)
    if (matches_name(running.request->pattern(), member.definition->contract->name()))
      running.members.push_back(id);
  const Population population{self};
  auto round = std::make_shared<Round>(state.core->turn.snapshot(), running.members.size(),
                                       [population] { tell(population, RoundStepped{}); });
  running.round = round;
  for (std::size_t i = 0; i < running.members.size(); ++i) {
    const Member& member = state.members.at(running.members[i]);
    round->slots[i].agent = member.definition;
    round->slots[i].state = member.state;
  }
  for (std::size_t i = 0; i < running.members.size(); ++i)
    tell(state.members.at(running.members[i]).actor, RoundStep{round, i});
  if (running.members.empty() && running.request->begin_commit())
    end_round(self, RoundReport{0, 0, state.core->turn.version()});
}

void start_next(Self self) {
  State& state = self->state;
  while (!state.running && !state.waiting.empty()) {
    RunningRound next;
    next.request = std::move(state.waiting.front());
    state.waiting.pop_front();
    if (state.core->clock->now() >= next.request->deadline()) {
      next.request->expire();
      continue;
    }
    state.running = std::move(next);
    run_round(self);
  }
}

void commit_round(Self self) {
  State& state = self->state;
  RunningRound& running = *state.running;
  if (running.attempt == 1 && !running.request->begin_commit()) {
    state.running.reset();
    return start_next(self);
  }
  std::vector<RoundPart> parts;
  for (Round::Slot& slot : running.round->slots) {
    if (!*slot.result)
      return end_round(self, slot.result->error());
    parts.push_back({&slot.agent->contract->name(), &(*slot.result)->proposal});
  }
  auto proposal = merge_round(running.round->snapshot.version(), parts);
  if (!proposal)
    return end_round(self, proposal.error());
  running.writes = proposal->writes.size();
  tell(state.owner, CommitRequest{std::make_shared<const Proposal>(*std::move(proposal)), self});
}

void take_reply(Self self, const Outcome& outcome) {
  State& state = self->state;
  RunningRound& running = *state.running;
  if (!outcome) {
    const bool conflict = outcome.error().code() == Errc::version_mismatch;
    if (!conflict || running.attempt == round_attempts_max)
      return end_round(self, outcome.error());
    ++running.attempt;
    return run_round(self);
  }
  for (std::size_t i = 0; i < running.members.size(); ++i)
    if (const auto member = state.members.find(running.members[i]); member != state.members.end())
      member->second.state = std::move((*running.round->slots[i].result)->agent_state);
  end_round(self, RoundReport{running.members.size(), running.writes, *outcome});
}

/// A dead agent's step fails, and with it the round; the agent itself is started again unless it dies too often.
void take_death(Self self, const caf::down_msg& down) {
  State& state = self->state;
  const auto found = state.by_address.find(down.source);
  if (found == state.by_address.end())
    return;
  const std::uint64_t id = found->second;
  state.by_address.erase(found);
  const std::string name = state.members.at(id).definition->contract->name();
  const auto decision = state.deaths[id].died(state.core->clock->now());
  const bool escalates = decision == RestartPolicy::Decision::escalate;
  if (state.core->log)
    state.core->log(
        {escalates ? LogLevel::error : LogLevel::warning,
         escalates ? "the agent's actor died too often and was removed" : "the agent's actor died and was restarted",
         Value{{"reason", caf::to_string(down.reason)}}, name, 0, state.core->turn.version(),
         state.core->clock->wall()});
  if (escalates) {
    state.by_name.erase(name);
    state.members.erase(id);
  } else {
    enlist(self, id);
  }
  if (!state.running)
    return;
  const auto& members = state.running->members;
  const auto slot = std::ranges::lower_bound(members, id);
  if (slot == members.end() || *slot != id)
    return;
  const RoundPtr round = state.running->round;
  if (round->fill(static_cast<std::size_t>(slot - members.begin()),
                  Error{Errc::process_failed, "agent '" + name + "'", "its actor died: " + caf::to_string(down.reason),
                        escalates ? "It died too often and was removed" : "It was restarted; repeat the round"}))
    round->all_done();
}

Population::behavior_type population(Self self, CorePtr core, StateOwner owner, AgentSpawner spawner) {
  prepare(self, core);
  self->state.core = std::move(core);
  self->state.owner = std::move(owner);
  self->state.spawner = std::move(spawner);
  self->set_down_handler([self](caf::down_msg& down) { take_death(self, down); });
  return {
      [self](const AddAgents& message) { message.answer(add(self, message.definitions)); },
      [self](const StopAgent& message) { message.answer(stop(self, message.name)); },
      [self](const ListAgents& message) {
        std::vector<std::string> names;
        for (const auto& [id, member] : self->state.members)
          names.push_back(member.definition->contract->name());
        message.answer(std::move(names));
      },
      [self](const StartRound& message) {
        if (self->state.waiting.size() == rounds_waiting_max && message.request->begin_commit())
          return message.request->finish(
              Error{Errc::overloaded, "round", "too many rounds are waiting", "Wait for rounds to end"});
        self->state.waiting.push_back(message.request);
        start_next(self);
      },
      [self](RoundStepped) { commit_round(self); },
      [self](const CommitReply& reply) { take_reply(self, reply.outcome); },
  };
}

}  // namespace

Population spawn_population(caf::actor_system& system, CorePtr core, StateOwner owner, AgentSpawner spawner) {
  return system.spawn(population, std::move(core), std::move(owner), std::move(spawner));
}

}  // namespace theus::actors
