#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"
#include "runtime/path_pattern.hpp"
#include "runtime/restart_policy.hpp"
#include "runtime/round_merge.hpp"

#include <caf/scheduler/abstract_coordinator.hpp>

#include <algorithm>
#include <deque>
#include <string_view>
#include <unordered_map>

namespace theus::actors {
namespace {

constexpr std::size_t rounds_waiting_max = 1000;
constexpr int round_attempts_max = 3;
// Enough that no thread waits for another one's step to end.
constexpr std::size_t tokens_per_thread = 4;

struct Member {
  std::uint64_t id;
  AgentDefinitionPtr definition;
  AgentActor actor;  // nothing: it is to be forgotten when no round runs
  Value state;       // private; as of the last round that was committed
};

struct RunningRound {
  RoundRequestPtr request;
  RoundPtr round;
  std::vector<std::uint32_t> members;  // their positions, by slot
  int attempt = 1;
  std::uint64_t writes = 0;
};

struct State {
  static inline constexpr const char* name = "population";

  CorePtr core;
  StateOwner owner;
  AgentSpawner spawner;
  std::vector<Member> members;  // in order of spawning; positions change only while no round runs
  std::unordered_map<std::string_view, std::uint64_t> by_name;  // the names stand in the definitions
  std::unordered_map<std::uint64_t, RestartPolicy> deaths;      // only of those that died
  std::uint64_t next = 0;
  std::deque<RoundRequestPtr> waiting;
  std::optional<RunningRound> running;
  bool has_leavers = false;

  ~State() {
    const Error closed{Errc::closed, "round", "the engine was shut down", "Wait for rounds before shutting down"};
    if (running && running->request->begin_commit())
      running->request->finish(closed);
    for (const RoundRequestPtr& request : waiting)
      if (request->begin_commit())
        request->finish(closed);
  }

  Member& member(std::uint64_t id) {
    return *std::ranges::lower_bound(members, id, {}, [](const Member& each) { return each.id; });
  }
};

using Self = Population::stateful_pointer<State>;

void enlist(Self self, Member& member) {
  member.actor = self->state.spawner(member.definition);
  self->monitor(member.actor);
}

Status add(Self self, const std::vector<AgentDefinitionPtr>& definitions) {
  State& state = self->state;
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    const std::string& name = definitions[i]->name();
    if (!state.by_name.emplace(name, state.next + i).second) {
      for (std::size_t undo = 0; undo < i; ++undo)
        state.by_name.erase(definitions[undo]->name());
      return Error{Errc::duplicate_name, "agent '" + name + "'", "an agent of this name exists",
                   "Stop it first, or choose another name"};
    }
  }
  for (const AgentDefinitionPtr& definition : definitions)
    enlist(self, state.members.emplace_back(state.next++, definition, AgentActor{}, definition->initial_state));
  return {};
}

void forget_leavers(State& state) {
  if (!state.has_leavers || state.running)
    return;
  std::erase_if(state.members, [](const Member& member) { return !member.actor; });
  state.has_leavers = false;
}

void take_out(State& state, Member& member) {
  state.by_name.erase(member.definition->name());
  state.deaths.erase(member.id);
  member.actor = nullptr;
  state.has_leavers = true;
  forget_leavers(state);
}

Status stop(Self self, const std::string& name) {
  State& state = self->state;
  const auto found = state.by_name.find(name);
  if (found == state.by_name.end())
    return Error{Errc::unknown_agent, "agent '" + name + "'", "no agent of this name exists", "Look at agents()"};
  Member& member = state.member(found->second);
  // A step that is under way ends first: the exit stands behind it in the mailbox.
  self->demonitor(member.actor.address());
  self->send_exit(member.actor, caf::exit_reason::user_shutdown);
  take_out(state, member);
  return {};
}

void start_next(Self self);

void end_round(Self self, Result<RoundReport> result) {
  const RunningRound ended = *std::exchange(self->state.running, std::nullopt);
  forget_leavers(self->state);
  ended.request->finish(std::move(result));
  start_next(self);
}

void run_round(Self self) {
  State& state = self->state;
  RunningRound& running = *state.running;
  const std::string& pattern = running.request->pattern();
  std::vector<AgentActor> actors;
  actors.reserve(state.members.size());
  running.members.clear();
  for (std::uint32_t i = 0; i < state.members.size(); ++i)
    if (const Member& member = state.members[i];
        member.actor && (pattern == "*" || matches_name(pattern, member.definition->name()))) {
      running.members.push_back(i);
      actors.push_back(member.actor);
    }
  const std::size_t agents = actors.size();
  if (agents == 0) {
    if (running.request->begin_commit())
      end_round(self, RoundReport{0, 0, state.core->turn.version()});
    return;
  }
  Round::Start start{state.core->turn.snapshot(), state.core->clock->wall(),
                     state.core->next_execution.fetch_add(agents, std::memory_order_relaxed)};
  running.round = std::make_shared<Round>(
      std::move(start), agents,
      [actors = std::move(actors)](const RoundPtr& round, std::size_t index) {
        tell(actors[index], RoundStep{round, index});
      },
      [population = Population{self}] { tell(population, RoundStepped{}); });
  for (std::size_t i = 0; i < agents; ++i)
    running.round->slots[i].state = state.members[running.members[i]].state;
  const RoundPtr round = running.round;
  const std::size_t threads = self->system().scheduler().num_workers();
  for (std::size_t token = 0; token < threads * tokens_per_thread; ++token)
    Round::pass_on(round);
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
    forget_leavers(state);
    return start_next(self);
  }
  std::vector<RoundPart> parts;
  parts.reserve(running.round->slots.size());
  for (Round::Slot& slot : running.round->slots) {
    RoundPart& part = parts.emplace_back(&slot.writes);
    if (slot.extra == nullptr)
      continue;
    if (slot.extra->error)
      return end_round(self, *slot.extra->error);
    part.signals = &slot.extra->signals;
    part.standing = &slot.extra->standing;
  }
  auto proposal = merge_round(running.round->snapshot.version(), parts, [&](std::size_t slot) {
    return state.members[running.members[slot]].definition->name();
  });
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
    state.members[running.members[i]].state = std::move(running.round->slots[i].state);
  end_round(self, RoundReport{running.members.size(), running.writes, *outcome});
}

/// A dead agent's step fails, and with it the round; the agent itself is started again unless it dies too often.
void take_death(Self self, const caf::down_msg& down) {
  State& state = self->state;
  const auto found =
      std::ranges::find_if(state.members, [&](const Member& member) { return member.actor == down.source; });
  if (found == state.members.end())
    return;
  Member& member = *found;
  const auto position = static_cast<std::uint32_t>(found - state.members.begin());
  const std::string name = member.definition->name();
  const auto decision = state.deaths[member.id].died(state.core->clock->now());
  const bool escalates = decision == RestartPolicy::Decision::escalate;
  if (state.core->log)
    state.core->log(
        {escalates ? LogLevel::error : LogLevel::warning,
         escalates ? "the agent's actor died too often and was removed" : "the agent's actor died and was restarted",
         Value{{"reason", caf::to_string(down.reason)}}, name, 0, state.core->turn.version(),
         state.core->clock->wall()});
  if (escalates)
    take_out(state, member);
  else
    enlist(self, member);
  if (!state.running)
    return;
  const auto& members = state.running->members;
  const auto slot = std::ranges::lower_bound(members, position);
  if (slot == members.end() || *slot != position)
    return;
  const RoundPtr round = state.running->round;
  round->fill(static_cast<std::size_t>(slot - members.begin()),
              Error{Errc::process_failed, "agent '" + name + "'", "its actor died: " + caf::to_string(down.reason),
                    escalates ? "It died too often and was removed" : "It was restarted; repeat the round"});
  // It may have died with a token.
  Round::pass_on(round);
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
        for (const Member& member : self->state.members)
          if (member.actor)
            names.push_back(member.definition->name());
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
