// Hosts that die or hang in the midst of a round. It may be a step that they die of: so what one of them has died with
// is stepped one agent after the other in each process, and what two have died with is kept from this one.

#include "actors/population_state.hpp"

#include <algorithm>

namespace theus::actors {
namespace {

using Self = PopulationSelf;
using State = PopulationState;
using namespace std::chrono_literals;

// What one process has died with may be stepped by this one, what two have died with by another host only, and what
// three have died with by nobody.
constexpr int hosts_lost_before_here_max = 1;
constexpr int hosts_lost_max = 3;
// How long a process that has left may take until its end is noticed.
constexpr std::chrono::seconds ending_max{1};
// How often what waits for a host is looked at: none may be on its way any more.
constexpr std::chrono::milliseconds waiting_interval{50};

bool waits_for_host(const SharedPart& part) { return part.host == nullptr && part.round == nullptr && !part.is_done; }
bool is_with_host(const SharedPart& part) { return part.host != nullptr && !part.is_done; }

Error processes_died(State& state, const SharedPart& part, std::string_view what_then) {
  const RunningRound& running = *state.running;
  const std::string& agent = state.members->all()[running.lineup->members[part.begin]].definition->name();
  const Version version = running.start->snapshot.version();
  return Error{Errc::worker_died, "agent '" + agent + "', its step on version " + std::to_string(version),
               std::to_string(part.hosts_lost) +
                   " processes died in it or did not come to its end, the last one was process " +
                   std::to_string(part.pid_lost) + std::string{what_then} + "; nothing was written",
               "Look at the ends of these processes; perhaps the agent's body crashes or hangs"}
      .with("pid", part.pid_lost)
      .with("agent", agent)
      .with("version", version)
      .with("execution", running.start->first_execution + part.begin);
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

/// From now on each of its agents is a part of its own.
void split(State& state, std::vector<SharedPart>::iterator part) {
  RunningRound& running = *state.running;
  const SharedPart whole = *part;
  std::vector<SharedPart> singles(whole.count, whole);
  for (std::size_t i = 0; i < singles.size(); ++i) {
    singles[i].number = state.next_part++;
    singles[i].begin = whole.begin + i;
    singles[i].count = 1;
  }
  const auto place = running.parts.erase(part);
  running.parts.insert(place, singles.begin(), singles.end());
  running.parts_left += whole.count - 1;
}

bool can_step(State& state, const HostProcess& host, const SharedPart& part) {
  const auto positions = std::span{state.running->lineup->members}.subspan(part.begin, part.count);
  const HostNumbers numbers = RoundHosts::numbers_of(host, positions, state.members->all());
  return std::ranges::find(numbers, not_hosted) == numbers.end();
}

/// Whether one more can be expected to offer its agents soon.
bool is_host_coming(const State& state, const SharedPart& part) {
  const HostOutlook outlook = state.terms.outlook ? state.terms.outlook(part.pid_lost) : HostOutlook::none;
  return outlook == HostOutlook::coming ||
         (outlook == HostOutlook::runs_still && state.terms.core->clock->now() < part.lost_at + ending_max);
}

/// One that can step the part and has no other one in hand that a process has died with.
bool give_to_some(Self self, SharedPart& part) {
  State& state = self->state;
  const auto& parts = state.running->parts;
  return std::ranges::any_of(state.hosts.all(), [&](const HostProcessPtr& host) {
    const bool is_busy = std::ranges::any_of(parts, [&](const SharedPart& other) {
      return is_with_host(other) && other.host == host && other.hosts_lost > 0;
    });
    return (!is_busy || part.hosts_lost == 0) && give(self, part, host);
  });
}

bool may_step_here(State& state, const SharedPart& part) {
  if (part.hosts_lost > hosts_lost_before_here_max || (part.hosts_lost > 0 && is_host_coming(state, part)))
    return false;
  return std::ranges::none_of(state.hosts.all(),
                              [&](const HostProcessPtr& host) { return can_step(state, *host, part); });
}

/// What the host had in hand is done again. `has_died`: perhaps of one of the steps.
void lose_host(Self self, const HostLinePtr& line, bool has_died) {
  State& state = self->state;
  state.hosts.leave(line);
  state.lineup = nullptr;
  if (!state.running)
    return;
  const Deadline deadline = state.running->request->deadline();
  std::vector<std::uint64_t> lost;
  for (const SharedPart& part : state.running->parts)
    if (is_with_host(part) && part.host->line == line)
      lost.push_back(part.number);
  for (const std::uint64_t number : lost) {
    // The one before may have ended the round.
    if (!state.running)
      return;
    auto& parts = state.running->parts;
    const auto part = std::ranges::find(parts, number, &SharedPart::number);
    if (part == parts.end())
      return;
    note_round(state, "a process left while it stepped agents of a round, which is done again",
               {{"pid", line->pid()}, {"agents", part->count}});
    part->pid_lost = line->pid();
    part->host = nullptr;
    part->lost_at = state.terms.core->clock->now();
    part->until = deadline;
    part->number = state.next_part++;
    part->hosts_lost += has_died ? 1 : 0;
    if (part->hosts_lost == hosts_lost_max) {
      part->fault = processes_died(state, *part, "");
      finish_part(self, *part);
    } else if (may_step_here(state, *part)) {
      take_over(self, *part);
    } else if (has_died && part->count > 1) {
      split(state, part);
    }
  }
  end_waiting(self);
  give_waiting(self);
  if (state.running)
    tell_awaited(*state.running);
}

}  // namespace

void give_waiting(PopulationSelf self) {
  State& state = self->state;
  if (!state.running || std::ranges::none_of(state.running->parts, waits_for_host))
    return;
  const Deadline now = state.terms.core->clock->now();
  std::vector<std::uint64_t> for_here;
  for (SharedPart& part : state.running->parts) {
    if (!waits_for_host(part) || give_to_some(self, part))
      continue;
    if (may_step_here(state, part))
      for_here.push_back(part.number);
    else
      watch_parts(self, std::min(part.until, now + waiting_interval));
  }
  // Each may end the round, and with it all parts.
  for (const std::uint64_t number : for_here) {
    if (!state.running)
      return;
    if (const auto part = std::ranges::find(state.running->parts, number, &SharedPart::number);
        part != state.running->parts.end())
      take_over(self, *part);
  }
  if (state.running)
    tell_awaited(*state.running);
}

void take_back(PopulationSelf self, SharedPart& part) {
  if (part.hosts_lost <= hosts_lost_before_here_max)
    return take_over(self, part);
  part.fault = processes_died(self->state, part, ", and another one gave it back");
  finish_part(self, part);
  end_waiting(self);
}

void take_offer(PopulationSelf self, const OfferedAgents& message) {
  State& state = self->state;
  if (message.line->is_cut())
    return;
  std::vector<std::byte> answer = message_of(ToJoined::hosting);
  append_cbor_number(answer, state.hosts.offer(message.line, message.agents, state.members->all()));
  state.lineup = nullptr;
  (void)message.line->send(std::move(answer));
  if (message.agents.empty())
    return lose_host(self, message.line, false);
  give_waiting(self);
}

void take_host_left(PopulationSelf self, const HostLinePtr& line) { lose_host(self, line, true); }

void watch_parts(PopulationSelf self, Deadline until) {
  State& state = self->state;
  if (until >= state.look_at)
    return;
  state.look_at = until;
  const auto left = std::max<std::chrono::steady_clock::duration>(until - state.terms.core->clock->now(), 0ms);
  tell_later(self, std::chrono::ceil<std::chrono::milliseconds>(left), LookAtParts{});
}

void look_at_parts(PopulationSelf self) {
  State& state = self->state;
  state.look_at = Deadline::max();
  if (!state.running)
    return;
  const Deadline now = state.terms.core->clock->now();
  std::vector<HostLinePtr> hanging;
  for (SharedPart& part : state.running->parts) {
    if (waits_for_host(part) && now >= part.until)
      part.fault = processes_died(state, part, ", and no other one came in time");
    if (!is_with_host(part))
      continue;
    if (now < part.until)
      watch_parts(self, part.until);
    else if (std::ranges::find(hanging, part.host->line) == hanging.end())
      hanging.push_back(part.host->line);
  }
  end_waiting(self);
  for (const HostLinePtr& line : hanging) {
    note_round(state, "a process takes too long for agents of a round, and is let go of", {{"pid", line->pid()}});
    line->cut();
    if (state.terms.kill_host)
      state.terms.kill_host(line->pid());
    lose_host(self, line, true);
  }
  give_waiting(self);
}

}  // namespace theus::actors
