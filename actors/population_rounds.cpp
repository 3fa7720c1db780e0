#include "actors/population_state.hpp"
#include "actors/round_record.hpp"
#include "runtime/path_pattern.hpp"
#include "runtime/round_merge.hpp"

#include <algorithm>

namespace theus::actors {
namespace {

using Self = PopulationSelf;
using State = PopulationState;

constexpr std::size_t rounds_waiting_max = 1000;
constexpr int round_attempts_max = 3;

void start_next(Self self);

void end_round(Self self, Result<RoundReport> result) {
  State& state = self->state;
  const RunningRound ended = *std::exchange(state.running, std::nullopt);
  forget_leavers(state);
  ended.request->finish(std::move(result));
  start_next(self);
}

/// Who takes part now.
const LineupPtr& line_up(State& state, const std::string& pattern) {
  if (state.lineup != nullptr && state.lineup->pattern == pattern)
    return state.lineup;
  const std::vector<Member>& members = state.members->all();
  auto lineup = std::make_shared<Lineup>(pattern);
  for (std::uint32_t i = 0; i < members.size(); ++i)
    if (const Member& member = members[i]; member.actor != nullptr && member.seat == nullptr &&
                                           (pattern == "*" || matches_name(pattern, member.definition->name()))) {
      lineup->members.push_back(i);
      lineup->actors.push_back(caf::actor_cast<AgentActor>(member.actor));
    }
  state.hosts.spread(*lineup, members);
  state.lineup = std::move(lineup);
  return state.lineup;
}

/// The messages that wait for those who take part, by slot; they stay in the inboxes until the round is committed.
std::unordered_map<std::size_t, std::vector<AgentMessage>> mail_of(State& state, RunningRound& running) {
  std::unordered_map<std::size_t, std::vector<AgentMessage>> mail;
  const auto& members = running.lineup->members;
  running.mail.clear();
  for (const auto& [id, inbox] : state.terms.directory->round_inboxes()) {
    const auto& all = state.members->all();
    const auto slot =
        std::ranges::lower_bound(members, id, {}, [&](std::uint32_t position) { return all[position].id; });
    if (slot == members.end() || all[*slot].id != id)
      continue;
    auto messages = inbox->messages();
    if (messages.empty())
      continue;
    running.mail.emplace_back(inbox, messages.size());
    mail.emplace(static_cast<std::size_t>(slot - members.begin()), std::move(messages));
  }
  return mail;
}

void run_round(Self self) {
  State& state = self->state;
  Core& core = *state.terms.core;
  RunningRound& running = *state.running;
  running.lineup = line_up(state, running.request->pattern());
  const std::size_t agents = running.lineup->actors.size();
  if (agents == 0) {
    if (running.request->begin_commit())
      end_round(self, RoundReport{0, 0, core.turn.version()});
    return;
  }
  running.start.emplace(
      Round::Start{.snapshot = core.turn.snapshot(),
                   .time = core.clock->wall(),
                   .seed = core.seed,
                   .first_execution = core.next_execution.fetch_add(agents, std::memory_order_relaxed),
                   .messages = mail_of(state, running)});
  begin_parts(self);
}

void start_next(Self self) {
  State& state = self->state;
  while (!state.running && !state.waiting.empty()) {
    RunningRound next;
    next.request = std::move(state.waiting.front());
    state.waiting.pop_front();
    if (state.terms.core->clock->now() >= next.request->deadline()) {
      next.request->expire();
      continue;
    }
    state.running = std::move(next);
    run_round(self);
  }
}

/// The proposal of all agents, with their messages on the way; or the first error in their order.
Result<Proposal> merged(State& state) {
  RunningRound& running = *state.running;
  const auto name_of = [&](std::size_t slot) {
    return state.members->all()[running.lineup->members[slot]].definition->name();
  };
  std::vector<RoundPart> parts;
  parts.reserve(running.lineup->members.size());
  running.postage.emplace(state.terms.directory);
  for (const SharedPart& shared : running.parts) {
    if (shared.fault)
      return *shared.fault;
    for (Round::Slot& slot : shared.round->slots) {
      RoundPart& part = parts.emplace_back(slot.writes());
      if (slot.extra == nullptr)
        continue;
      if (slot.extra->error)
        return *slot.extra->error;
      part.signals = &slot.extra->signals;
      part.standing = &slot.extra->standing;
      if (auto promised = running.postage->add(name_of(parts.size() - 1), std::move(slot.extra->messages)); !promised)
        return promised.error();
    }
  }
  return merge_round(running.start->snapshot.version(), parts, name_of);
}

void commit_round(Self self) {
  State& state = self->state;
  RunningRound& running = *state.running;
  if (running.attempt == 1 && !running.request->begin_commit()) {
    state.running.reset();
    forget_leavers(state);
    return start_next(self);
  }
  auto proposal = merged(state);
  if (!proposal)
    return end_round(self, proposal.error());
  running.writes = proposal->writes.size();
  if (state.terms.core->journal != nullptr) {
    add_cause(*proposal, *running.request, *running.start, running.lineup->members, state.members->all(),
              running.attempt);
    running.is_recorded = proposal->is_recorded;
  } else if (state.terms.core->records_causes()) {
    proposal->cause = std::make_shared<const Cause>(Cause{.kind = Cause::Kind::round,
                                                          .name = running.request->pattern(),
                                                          .number = running.start->first_execution,
                                                          .attempt = static_cast<std::uint64_t>(running.attempt),
                                                          .time = running.start->time});
  }
  tell(state.terms.owner, CommitRequest{std::make_shared<const Proposal>(*std::move(proposal)), self});
}

}  // namespace

void enqueue_round(PopulationSelf self, const RoundRequestPtr& request) {
  if (self->state.waiting.size() == rounds_waiting_max && request->begin_commit())
    return request->finish(Error{Errc::overloaded, "round", "too many rounds are waiting", "Wait for rounds to end"});
  self->state.waiting.push_back(request);
  start_next(self);
}

void take_stepped(PopulationSelf self, std::uint64_t number) {
  if (!self->state.running)
    return;
  auto& parts = self->state.running->parts;
  if (const auto part = std::ranges::find(parts, number, &SharedPart::number); part != parts.end())
    finish_part(self, *part);
}

void finish_part(PopulationSelf self, SharedPart& part) {
  if (std::exchange(part.is_done, true))
    return;
  RunningRound& running = *self->state.running;
  if (part.host != nullptr)
    tell_awaited(running);
  if (--running.parts_left == 0)
    commit_round(self);
}

void take_commit_reply(PopulationSelf self, const Outcome& outcome) {
  State& state = self->state;
  RunningRound& running = *state.running;
  if (!outcome) {
    const bool conflict = outcome.error().code() == Errc::version_mismatch;
    if (!conflict || running.attempt == round_attempts_max)
      return end_round(self, outcome.error());
    ++running.attempt;
    running.postage.reset();
    return run_round(self);
  }
  state.hosts.count_round(running.lineup->members.size());
  for (const SharedPart& part : running.parts) {
    for (std::size_t i = 0; i < part.count; ++i) {
      Member& member = state.members->all()[running.lineup->members[part.begin + i]];
      Value& after = part.round->slots[i].state;
      if (running.is_recorded != nullptr && (*running.is_recorded || member.state != after))
        member.is_state_told = *running.is_recorded;
      member.state = std::move(after);
    }
    if (part.host != nullptr)
      state.hosts.count_elsewhere(*part.host, part.count);
  }
  for (const auto& [inbox, read] : running.mail)
    inbox->drop_messages(read);
  running.postage->deliver();
  end_round(self, RoundReport{running.lineup->members.size(), running.writes, *outcome});
}

}  // namespace theus::actors
