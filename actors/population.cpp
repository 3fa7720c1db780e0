#include "actors/population_state.hpp"
#include "actors/user_callback.hpp"

#include <algorithm>

namespace theus::actors {

PopulationState::~PopulationState() {
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

void forget_leavers(PopulationState& state) {
  if (state.members->forget_leavers())
    state.lineup = nullptr;
}

namespace {

using Self = PopulationSelf;
using State = PopulationState;

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
  fail_step(self, position, error);
  fail_hosted_step(self, dead.id, error);
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
      [self](const StartRound& message) { enqueue_round(self, message.request); },
      [self](RoundStepped message) { take_stepped(self, message.part); },
      [self](const CommitReply& reply) { take_commit_reply(self, reply.outcome); },
      [self](const OfferedAgents& message) { take_offer(self, message); },
      [self](const ShareAnswered& message) { take_share_answer(self, message); },
      [self](const HostLeft& message) { take_host_left(self, message.line); },
      [self](LookAtParts) { look_at_parts(self); },
      [self](const ListHosts& message) { message.answer(self->state.hosts.report(self->state.members->all())); },
      [self](const OfferAgents& message) { message.answer(agents_to_offer(self->state)); },
      [self](const StepShare& message) { step_share(self, message); },
      [self](ShareStepped message) { answer_share(self, message.number); },
  };
}

}  // namespace

Population spawn_population(caf::actor_system& system, PopulationTerms terms) {
  return system.spawn(population, std::move(terms));
}

}  // namespace theus::actors
