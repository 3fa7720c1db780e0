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
// Also when a round that was in conflict is run again after its deadline.
constexpr std::chrono::seconds patience_least{1};

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

/// How long a host may take for a share that it is given now: so that there is time left to have it done elsewhere.
Deadline patience(const State& state) {
  const Deadline now = state.terms.core->clock->now();
  return now +
         std::max<std::chrono::steady_clock::duration>((state.running->request->deadline() - now) / 2, patience_least);
}

/// Gives the stretch to its host, in as many parts as it takes; what cannot be sent is left to this process.
void give_stretch(State& state, const Stretch& stretch) {
  RunningRound& running = *state.running;
  const HostProcessPtr& host = running.lineup->hosts[stretch.process - 1];
  const auto numbers = std::span{running.lineup->numbers[stretch.process - 1]}.subspan(stretch.begin, stretch.count);
  for (std::size_t given = 0; given < stretch.count;) {
    SharedPart part{.number = state.next_part++, .begin = stretch.begin + given};
    part.until = patience(state);
    Encoded share = encoded_share(state, part.number, part.begin, numbers.subspan(given));
    part.count = std::max<std::size_t>(share.count, 1);
    part.host = share.count > 0 && host->line->send(std::move(share.message)) ? host : nullptr;
    given += part.count;
    running.parts.push_back(std::move(part));
  }
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
      give_stretch(state, stretch);
  running.parts_left = running.parts.size();
  if (!running.lineup->hosts.empty()) {
    tell_awaited(running);
    watch_parts(self, patience(state));
  }
  const std::shared_ptr<const std::vector<AgentActor>> actors{running.lineup, &running.lineup->actors};
  for (SharedPart& part : running.parts)
    if (part.host == nullptr)
      begin_here(self, part, actors, part.begin);
}

bool give(PopulationSelf self, SharedPart& part, const HostProcessPtr& host) {
  State& state = self->state;
  const auto positions = std::span{state.running->lineup->members}.subspan(part.begin, part.count);
  const HostNumbers numbers = RoundHosts::numbers_of(*host, positions, state.members->all());
  if (std::ranges::find(numbers, not_hosted) != numbers.end())
    return false;
  Encoded share = encoded_share(state, state.next_part, part.begin, numbers);
  if (share.count != part.count || !host->line->send(std::move(share.message)))
    return false;
  part.number = state.next_part++;
  part.host = host;
  part.until = patience(state);
  watch_parts(self, part.until);
  return true;
}

void take_over(PopulationSelf self, SharedPart& part) {
  auto actors = std::make_shared<std::vector<AgentActor>>();
  for (std::size_t i = 0; i < part.count; ++i) {
    // The line-up may have changed since the round began.
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

void note_round(const PopulationState& state, std::string text, Value fields) {
  const Core& core = *state.terms.core;
  if (!core.log)
    return;
  (void)call_user([&] {
    core.log({LogLevel::info, std::move(text), std::move(fields), "round", 0, core.turn.version(), core.clock->wall()});
  });
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
    note_round(state, "agents of a round are stepped here instead of in another process",
               {{"pid", message.line->pid()},
                {"agents", part->count},
                {"cause", answer.returned ? answer.returned->text() : std::string{"its answer has other agents"}}});
    return take_back(self, *part);
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
  give_waiting(self);
}

}  // namespace theus::actors
