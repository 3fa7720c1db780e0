#include "actors/caf_ways.hpp"
#include "actors/membership.hpp"
#include "actors/round_record.hpp"
#include "actors/user_callback.hpp"
#include "runtime/path_pattern.hpp"
#include "runtime/round_merge.hpp"

#include <caf/scheduler/abstract_coordinator.hpp>

#include <algorithm>
#include <deque>

namespace theus::actors {
namespace {

constexpr std::size_t rounds_waiting_max = 1000;
constexpr int round_attempts_max = 3;
// Enough that no thread waits for another one's step to end.
constexpr std::size_t tokens_per_thread = 4;

/// Who takes part in the rounds of a pattern, in order. Kept from round to round, for it costs as much as a step.
struct Lineup {
  std::string pattern;
  std::vector<std::uint32_t> members;  // their positions
  std::vector<AgentActor> actors;
};
using LineupPtr = std::shared_ptr<const Lineup>;

struct RunningRound {
  RoundRequestPtr request;
  RoundPtr round;
  LineupPtr lineup;                                    // by slot
  std::vector<std::pair<InboxPtr, std::size_t>> mail;  // how many messages of whom this round reads
  std::optional<Postage> postage;
  int attempt = 1;
  std::uint64_t writes = 0;
  std::shared_ptr<bool> is_recorded;  // nothing: there is no journal
};

struct State {
  static inline constexpr const char* name = "population";

  ~State();

  PopulationTerms terms;
  ActingTermsPtr acting;
  std::optional<Membership> members;
  LineupPtr lineup;  // of the last round, as long as nobody comes, goes or dies
  std::deque<RoundRequestPtr> waiting;
  std::optional<RunningRound> running;
};

using Self = Population::stateful_pointer<State>;

State::~State() {
  const Error closed{Errc::closed, "round", "the engine was shut down", "Wait for rounds before shutting down"};
  if (running && running->request->begin_commit())
    running->request->finish(closed);
  for (const RoundRequestPtr& request : waiting)
    if (request->begin_commit())
      request->finish(closed);
  if (!members)
    return;
  // They know themselves through their inboxes and would live on.
  for (const Member& member : members->all())
    if (member.seat != nullptr) {
      member.seat->inbox->close();
      caf::anon_send_exit(member.actor, caf::exit_reason::user_shutdown);
    }
}

void start(Self self, Member& member) {
  const PopulationTerms& terms = self->state.terms;
  self->state.lineup = nullptr;
  if (member.seat != nullptr) {
    member.actor =
        caf::actor_cast<caf::strong_actor_ptr>(terms.acting_spawner(self->system(), self->state.acting, member.seat));
  } else {
    const AgentActor actor = terms.spawner
                                 ? terms.spawner(member.definition)
                                 : spawn_agent(self->system(), terms.core, terms.directory, member.definition);
    member.actor = caf::actor_cast<caf::strong_actor_ptr>(actor);
  }
  self->monitor(member.actor);
}

void forget_leavers(State& state) {
  if (state.members->forget_leavers())
    state.lineup = nullptr;
}

/// Who acts on its own leaves when the commit that is under way, if any, has been answered: messages that were
/// committed are delivered.
void end(Self self, std::span<const Member> left) {
  ForgetAgents forgotten;
  self->state.lineup = nullptr;
  for (const Member& member : left) {
    self->demonitor(caf::actor_cast<caf::actor_addr>(member.actor));
    if (member.seat == nullptr) {
      caf::anon_send_exit(member.actor, caf::exit_reason::user_shutdown);
      continue;
    }
    member.seat->inbox->close();
    tell(caf::actor_cast<ActingAgent>(member.actor), LeaveSeat{});
    forgotten.seats.push_back(member.seat);
  }
  if (!forgotten.seats.empty())
    tell(self->state.terms.scout, std::move(forgotten));
  if (!self->state.running)
    forget_leavers(self->state);
}

void add(Self self, const AddAgents& message) {
  State& state = self->state;
  const Version now = state.terms.core->turn.version();
  auto added = state.members->add(message.definitions, state.terms.core->clock->now());
  if (!added)
    return message.answer(added.error());
  LookOutFor wanted{.since = now, .ready = message.answer};
  for (Member& member : *added) {
    start(self, member);
    if (const AgentTerms& terms = *member.definition->terms; !terms.signals.empty() || !terms.changes.empty())
      wanted.seats.push_back(member.seat);
  }
  if (wanted.seats.empty())
    return message.answer({});
  tell(state.terms.scout, std::move(wanted));
}

Status stop(Self self, const std::string& name) {
  auto left = self->state.members->remove(name);
  if (!left)
    return left.error();
  end(self, std::span{&*left, 1});
  return {};
}

/// Writes the failure down; stops those whom it stops and tells about it.
void take_failure(Self self, const Member& member, const Error& error) {
  State& state = self->state;
  const Core& core = *state.terms.core;
  const AgentDefinitionPtr failing = member.definition;
  // That the owner of the state is away is no agent's failure; it acts again when there is something to act on.
  const bool is_of_owner = error.code() == Errc::owner_down || error.code() == Errc::stale_epoch;
  const auto stopped = is_of_owner ? std::vector<Member>{} : state.members->failed(member, error, core.clock->now());
  const auto log = [&](LogLevel level, std::string_view text, Value fields) {
    (void)call_user([&] {
      if (core.log)
        core.log(
            {level, std::string{text}, std::move(fields), failing->name(), 0, core.turn.version(), core.clock->wall()});
    });
  };
  log(LogLevel::warning, "the agent failed", {{"error", error.text()}});
  if (stopped.empty())
    return;
  end(self, stopped);
  Escalation escalation{failing->terms->group, {}, error.text()};
  for (const Member& each : stopped)
    escalation.stopped.push_back(each.definition->name());
  log(LogLevel::error, "agents were stopped, for they failed too often",
      {{"group", escalation.group}, {"agents", escalation.stopped.size()}, {"error", escalation.cause}});
  if (state.terms.on_escalation)
    (void)call_user([&] { state.terms.on_escalation(escalation); });
}

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
  Round::Start start{core.turn.snapshot(), core.clock->wall(),
                     core.next_execution.fetch_add(agents, std::memory_order_relaxed), mail_of(state, running)};
  running.round = std::make_shared<Round>(
      std::move(start), agents,
      [lineup = running.lineup](RoundPtr round, Round::Token& token, std::size_t index) {
        tell(lineup->actors[index], RoundStep{std::move(round), &token, index});
      },
      [population = Population{self}] { tell(population, RoundStepped{}); });
  for (std::size_t i = 0; i < agents; ++i)
    running.round->slots[i].state = state.members->all()[running.lineup->members[i]].state;
  const RoundPtr round = running.round;
  const std::size_t threads = self->system().scheduler().num_workers();
  for (std::size_t token = 0; token < threads * tokens_per_thread; ++token)
    Round::pass_on_another(round);
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
  parts.reserve(running.round->slots.size());
  running.postage.emplace(state.terms.directory);
  for (Round::Slot& slot : running.round->slots) {
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
  return merge_round(running.round->snapshot.version(), parts, name_of);
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
    add_cause(*proposal, *running.request, *running.round, running.lineup->members, state.members->all(),
              running.attempt);
    running.is_recorded = proposal->is_recorded;
  }
  tell(state.terms.owner, CommitRequest{std::make_shared<const Proposal>(*std::move(proposal)), self});
}

void take_reply(Self self, const Outcome& outcome) {
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
  for (std::size_t i = 0; i < running.lineup->members.size(); ++i) {
    Member& member = state.members->all()[running.lineup->members[i]];
    Value& after = running.round->slots[i].state;
    if (running.is_recorded != nullptr && (*running.is_recorded || member.state != after))
      member.is_state_told = *running.is_recorded;
    member.state = std::move(after);
  }
  for (const auto& [inbox, read] : running.mail)
    inbox->drop_messages(read);
  running.postage->deliver();
  end_round(self, RoundReport{running.lineup->members.size(), running.writes, *outcome});
}

/// A dead agent's step fails, and with it the round; the agent itself is started again unless it failed too often.
void take_death(Self self, const caf::down_msg& down) {
  State& state = self->state;
  auto& all = state.members->all();
  const auto found = std::ranges::find_if(all, [&](const Member& member) { return member.actor == down.source; });
  if (found == all.end())
    return;
  const Member dead = *found;
  const auto position = static_cast<std::uint32_t>(found - all.begin());
  const Error error{Errc::process_failed, "agent '" + dead.definition->name() + "'",
                    "its actor died: " + caf::to_string(down.reason),
                    dead.seat == nullptr ? "Nothing of its step was committed" : "The next one goes on with its run"};
  take_failure(self, dead, error);
  if (Member* alive = state.members->find(dead.id); alive != nullptr)
    start(self, *alive);
  else if (dead.seat != nullptr)
    tell(state.terms.acting_spawner(self->system(), state.acting, dead.seat), LeaveSeat{});
  if (!state.running)
    return;
  const auto& members = state.running->lineup->members;
  const auto slot = std::ranges::lower_bound(members, position);
  if (slot == members.end() || *slot != position)
    return;
  const RoundPtr round = state.running->round;
  round->fail(static_cast<std::size_t>(slot - members.begin()), error);
  // It may have died with a token.
  Round::pass_on_another(round);
}

Population::behavior_type population(Self self, PopulationTerms terms) {
  prepare(self, terms.core);
  State& state = self->state;
  state.acting =
      std::make_shared<const ActingTerms>(terms.core, terms.owner, terms.directory,
                                          [population = Population{self}](AgentDirectory::Id id, const Error& error) {
                                            tell(population, AgentFailed{id, error});
                                          });
  state.members.emplace(terms.directory);
  state.terms = std::move(terms);
  self->set_down_handler([self](caf::down_msg& down) { take_death(self, down); });
  return {
      [self](const AddAgents& message) { add(self, message); },
      [self](const StopAgent& message) { message.answer(stop(self, message.name)); },
      [self](const ListAgents& message) { message.answer(self->state.members->report()); },
      [self](const Supervise& message) { self->state.members->set_terms(message.group, message.terms); },
      [self](const AgentFailed& message) {
        if (const Member* member = self->state.members->find(message.id); member != nullptr)
          take_failure(self, *member, message.error);
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

Population spawn_population(caf::actor_system& system, PopulationTerms terms) {
  return system.spawn(population, std::move(terms));
}

}  // namespace theus::actors
