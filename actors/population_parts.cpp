#include "actors/population_state.hpp"
#include "actors/user_callback.hpp"
#include "runtime/hosted_step.hpp"

#include <caf/scheduler/abstract_coordinator.hpp>

#include <algorithm>

namespace theus::actors {
namespace {

using Self = PopulationSelf;
using State = PopulationState;

// Enough that no thread waits for another one's step to end.
constexpr std::size_t tokens_per_thread = 4;
// What one process has died with may be stepped by this one, what two have died with by another host only, and what
// three have died with by nobody: it may be what they died of.
constexpr int hosts_lost_before_here_max = 1;
constexpr int hosts_lost_max = 3;

const Member& member_at(State& state, std::size_t slot) {
  return state.members->all()[state.running->lineup->members[slot]];
}

/// The whole's terms, for the part that begins there.
Round::Start start_of(const RunningRound& running, const SharedPart& part) {
  const Round::Start& whole = *running.start;
  Round::Start start{.snapshot = whole.snapshot,
                     .time = whole.time,
                     .seed = whole.seed,
                     .first_execution = whole.first_execution + part.begin};
  for (const auto& [slot, messages] : whole.messages)
    if (slot >= part.begin && slot < part.begin + part.count)
      start.messages.emplace(slot - part.begin, messages);
  return start;
}

/// Has the part's agents step in this process. `actors` has all of theirs, from `first` on.
void begin_here(Self self, SharedPart& part, std::shared_ptr<const std::vector<AgentActor>> actors, std::size_t first) {
  State& state = self->state;
  part.number = state.next_part++;
  part.host = nullptr;
  part.round = std::make_shared<Round>(
      start_of(*state.running, part), part.count,
      [actors = std::move(actors), first](RoundPtr round, Round::Token& token, std::size_t index) {
        tell((*actors)[first + index], RoundStep{std::move(round), &token, index});
      },
      [population = Population{self}, number = part.number] { tell(population, RoundStepped{number}); });
  for (std::size_t i = 0; i < part.count; ++i)
    part.round->slots[i].state = member_at(state, part.begin + i).state;
  const RoundPtr round = part.round;
  const std::size_t threads = self->system().scheduler().num_workers();
  for (std::size_t token = 0; token < threads * tokens_per_thread; ++token)
    Round::pass_on_another(round);
}

/// The same when the round has begun and the line-up may have changed since.
void take_over(Self self, SharedPart& part) {
  auto actors = std::make_shared<std::vector<AgentActor>>();
  for (std::size_t i = 0; i < part.count; ++i) {
    const Member& member = member_at(self->state, part.begin + i);
    if (member.actor == nullptr) {
      part.fault = Error{Errc::unknown_agent, "agent '" + member.definition->name() + "'",
                         "it was stopped while its round ran", "Run the round again"};
      return finish_part(self, part);
    }
    actors->push_back(caf::actor_cast<AgentActor>(member.actor));
  }
  begin_here(self, part, std::move(actors), 0);
}

/// Agents from `begin` on, as many of those that the host has numbers for as one share takes, and the share. None when
/// the first cannot travel.
struct Encoded {
  std::size_t count = 0;
  std::vector<std::byte> message;
};
Encoded encoded_share(State& state, std::uint64_t number, std::size_t begin, std::span<const std::uint64_t> numbers) {
  const Round::Start& whole = *state.running->start;
  Encoded share{.count = 0, .message = message_of(ToJoined::share)};
  append_share(share.message, {.number = number,
                               .version = whole.snapshot.version(),
                               .seed = whole.seed,
                               .time = whole.time,
                               .first_execution = whole.first_execution + begin});
  while (share.count < std::min(numbers.size(), share_agents_max) && share.message.size() < share_bytes_wanted) {
    const std::size_t slot = begin + share.count;
    const auto mail = whole.messages.find(slot);
    const ShareAgent agent{.number = numbers[share.count],
                           .state = member_at(state, slot).state,
                           .messages = mail != whole.messages.end() ? mail->second : std::vector<AgentMessage>{}};
    if (!may_travel(agent))
      break;
    append_share_agent(share.message, agent);
    ++share.count;
  }
  return share;
}

/// Gives the stretch to its host, in as many parts as it takes; what cannot be sent is left to this process.
void give(State& state, const Stretch& stretch) {
  RunningRound& running = *state.running;
  const HostProcessPtr& host = running.lineup->hosts[stretch.process - 1];
  const auto numbers = std::span{running.lineup->numbers[stretch.process - 1]}.subspan(stretch.begin, stretch.count);
  for (std::size_t given = 0; given < stretch.count;) {
    SharedPart part{.number = state.next_part++, .begin = stretch.begin + given};
    Encoded share = encoded_share(state, part.number, part.begin, numbers.subspan(given));
    part.count = std::max<std::size_t>(share.count, 1);
    part.host = share.count > 0 && host->line->send(std::move(share.message)) ? host : nullptr;
    given += part.count;
    running.parts.push_back(std::move(part));
  }
}

/// Gives all of a part to some process that can step it; false when there is none.
bool give_to_another(State& state, SharedPart& part) {
  const auto positions = std::span{state.running->lineup->members}.subspan(part.begin, part.count);
  for (const HostProcessPtr& host : state.hosts.all()) {
    const HostNumbers numbers = RoundHosts::numbers_of(*host, positions, state.members->all());
    if (std::ranges::find(numbers, not_hosted) != numbers.end())
      continue;
    Encoded share = encoded_share(state, state.next_part, part.begin, numbers);
    if (share.count != part.count || !host->line->send(std::move(share.message)))
      continue;
    part.number = state.next_part++;
    part.host = host;
    return true;
  }
  return false;
}

bool waits_for_host(const SharedPart& part) { return part.host == nullptr && part.round == nullptr && !part.is_done; }

Error processes_died(State& state, const SharedPart& part, std::string_view what_then) {
  const std::string& first = member_at(state, part.begin).definition->name();
  return Error{Errc::worker_died, "round",
               std::to_string(part.hosts_lost) + " processes died while they stepped its agents from '" + first +
                   "' on, the last one was process " + std::to_string(part.pid_lost) + std::string{what_then} +
                   "; nothing was written",
               "Look at the ends of these processes; perhaps an agent's body crashes"}
      .with("pid", part.pid_lost)
      .with("agent", first);
}

void note(const State& state, std::string text, Value fields) {
  const Core& core = *state.terms.core;
  if (!core.log)
    return;
  (void)call_user([&] {
    core.log({LogLevel::info, std::move(text), std::move(fields), "round", 0, core.turn.version(), core.clock->wall()});
  });
}

/// When one part cannot be stepped at all, the others need not wait for that.
void end_waiting(Self self) {
  State& state = self->state;
  if (!state.running)
    return;
  auto& parts = state.running->parts;
  const auto failed = std::ranges::find_if(parts, [](const SharedPart& part) { return part.fault.has_value(); });
  if (failed == parts.end())
    return;
  std::vector<SharedPart*> waiting;
  for (SharedPart& part : parts)
    if (waits_for_host(part)) {
      part.fault = failed->fault;
      waiting.push_back(&part);
    }
  // The last of them may end the round, and with it all parts.
  for (SharedPart* const part : waiting)
    finish_part(self, *part);
}

/// Until one offers its agents, such as the successor of the one that died, or the round is out of time.
void wait_for_host(Self self, SharedPart& part) {
  part.number = self->state.next_part++;
  const auto left = self->state.running->request->deadline() - self->state.terms.core->clock->now();
  tell_later(self, std::max(left, std::chrono::steady_clock::duration{0}), HostIsOverdue{part.number});
}

}  // namespace

void tell_awaited(const RunningRound& running) {
  std::vector<int> pids;
  std::string text;
  for (const SharedPart& part : running.parts) {
    if (part.host == nullptr || part.is_done || std::ranges::find(pids, part.host->report.pid) != pids.end())
      continue;
    pids.push_back(part.host->report.pid);
    text += (text.empty() ? "" : ", ") + std::to_string(pids.back());
  }
  running.request->set_awaited(std::move(text));
}

void begin_parts(PopulationSelf self) {
  State& state = self->state;
  RunningRound& running = *state.running;
  running.parts.clear();
  for (const Stretch& stretch : running.lineup->stretches)
    if (stretch.process == 0)
      running.parts.push_back({.begin = stretch.begin, .count = stretch.count});
    else
      give(state, stretch);
  running.parts_left = running.parts.size();
  if (!running.lineup->hosts.empty())
    tell_awaited(running);
  const std::shared_ptr<const std::vector<AgentActor>> actors{running.lineup, &running.lineup->actors};
  for (SharedPart& part : running.parts)
    if (part.host == nullptr)
      begin_here(self, part, actors, part.begin);
}

void fail_step(PopulationSelf self, std::uint32_t position, const Error& error) {
  if (!self->state.running)
    return;
  RunningRound& running = *self->state.running;
  const auto& members = running.lineup->members;
  const auto found = std::ranges::lower_bound(members, position);
  if (found == members.end() || *found != position)
    return;
  const auto slot = static_cast<std::size_t>(found - members.begin());
  for (const SharedPart& part : running.parts) {
    if (part.host != nullptr || part.round == nullptr || slot < part.begin || slot >= part.begin + part.count)
      continue;
    part.round->fail(slot - part.begin, error);
    // It may have died with a token.
    return Round::pass_on_another(part.round);
  }
}

void take_offer(PopulationSelf self, const OfferedAgents& message) {
  State& state = self->state;
  std::vector<std::byte> answer = message_of(ToJoined::hosting);
  append_cbor_number(answer, state.hosts.offer(message.line, message.agents, state.members->all()));
  state.lineup = nullptr;
  (void)message.line->send(std::move(answer));
  if (!state.running)
    return;
  for (SharedPart& part : state.running->parts)
    if (waits_for_host(part))
      (void)give_to_another(state, part);
  tell_awaited(*state.running);
}

void give_up_waiting(PopulationSelf self, std::uint64_t number) {
  if (!self->state.running)
    return;
  auto& parts = self->state.running->parts;
  const auto part = std::ranges::find(parts, number, &SharedPart::number);
  if (part == parts.end() || !waits_for_host(*part))
    return;
  part->fault = processes_died(self->state, *part, ", and no other one came in time");
  end_waiting(self);
}

void take_share_answer(PopulationSelf self, const ShareAnswered& message) {
  State& state = self->state;
  if (!state.running)
    return;
  ShareAnswer& answer = *message.answer;
  auto& parts = state.running->parts;
  // Whoever answers late, twice, or what was given to somebody else, finds no such part.
  const auto part = std::ranges::find_if(parts, [&](const SharedPart& each) {
    return each.number == answer.number && !each.is_done && each.host != nullptr && each.host->line == message.line;
  });
  if (part == parts.end())
    return;
  if (answer.returned || answer.steps.size() != part->count) {
    note(state, "agents of a round are stepped here instead of in another process",
         {{"pid", message.line->pid()},
          {"agents", part->count},
          {"cause", answer.returned ? answer.returned->text() : std::string{"its answer has other agents"}}});
    return take_over(self, *part);
  }
  part->round = std::make_shared<Round>(start_of(*state.running, *part), part->count, Round::Send{}, [] {});
  Round::Token& token = part->round->add_token();
  for (std::size_t i = 0; i < part->count; ++i) {
    const Member& member = member_at(state, part->begin + i);
    Result<AgentStep>& step = answer.steps[i];
    part->round->fill(
        i,
        step ? step_within_contract(member.definition->contract, *std::move(step), member.state, *state.terms.directory)
             : Result<ExecutionResult>{step.error()},
        token);
  }
  finish_part(self, *part);
}

void take_host_left(PopulationSelf self, const HostLinePtr& line) {
  State& state = self->state;
  state.hosts.leave(line);
  state.lineup = nullptr;
  if (!state.running)
    return;
  std::vector<std::uint64_t> lost;
  for (const SharedPart& part : state.running->parts)
    if (part.host != nullptr && part.host->line == line && !part.is_done)
      lost.push_back(part.number);
  for (const std::uint64_t number : lost) {
    // The one before may have ended the round.
    if (!state.running)
      return;
    auto& parts = state.running->parts;
    const auto part = std::ranges::find(parts, number, &SharedPart::number);
    if (part == parts.end())
      return;
    note(state, "a process died while it stepped agents of a round, which is done again",
         {{"pid", line->pid()}, {"agents", part->count}});
    part->pid_lost = line->pid();
    part->host = nullptr;
    if (++part->hosts_lost == hosts_lost_max) {
      part->fault = processes_died(state, *part, "");
      finish_part(self, *part);
    } else if (!give_to_another(state, *part)) {
      if (part->hosts_lost <= hosts_lost_before_here_max)
        take_over(self, *part);
      else
        wait_for_host(self, *part);
    }
  }
  end_waiting(self);
  if (state.running)
    tell_awaited(*state.running);
}

}  // namespace theus::actors
