#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"

#include <unordered_map>

namespace theus::actors {
namespace {

struct State {
  static inline constexpr const char* name = "scout";

  struct Watched {
    Version since = 0;  // what came until then has been told
    std::vector<SeatPtr> seats;
  };

  CorePtr core;
  Hub hub;
  std::unordered_map<Path, Watched> paths;
  std::vector<SeatPtr> listeners;
  bool is_subscribed = false;

  ~State() {
    if (core != nullptr)
      core->bell.detach();
  }
};

using Self = Scout::stateful_pointer<State>;

/// Armed before the look, see CommitBell.
void look_at_commits(State& state) {
  if (state.paths.empty())
    return;
  state.core->bell.arm();
  const Snapshot now = state.core->turn.snapshot();
  for (auto& [path, watched] : state.paths) {
    if (now.last_change(path) > watched.since)
      for (const SeatPtr& seat : watched.seats)
        seat->inbox->changed(path, watched.since);
    watched.since = now.version();
  }
}

void hear(const State& state, const EventView& event) {
  const std::string_view name = event.name();
  for (const SeatPtr& seat : state.listeners)
    for (const NamePattern& pattern : seat->definition->terms->signals)
      if (pattern.matches(name)) {
        seat->inbox->signal(event.sequence(), name, event.payload().value());
        break;
      }
}

void look_out(Self self, const LookOutFor& message) {
  State& state = self->state;
  state.core->bell.arm();
  const Snapshot now = state.core->turn.snapshot();
  for (const SeatPtr& seat : message.seats) {
    for (const Path& path : seat->definition->terms->changes) {
      // Of a path that others watch already, only these are told what came since they were spawned.
      state.paths.try_emplace(path, now.version()).first->second.seats.push_back(seat);
      if (now.last_change(path) > message.since)
        seat->inbox->changed(path, message.since);
    }
    if (!seat->definition->terms->signals.empty())
      state.listeners.push_back(seat);
  }
  look_at_commits(state);
  if (state.is_subscribed || state.listeners.empty())
    return message.ready({});
  state.is_subscribed = true;
  tell(state.hub,
       SubscribeActor{
           caf::actor_cast<caf::actor>(self), {}, [ready = message.ready](const Result<SubscriptionId>& subscribed) {
             ready(subscribed ? Status{} : Status{subscribed.error()});
           }});
}

void forget(State& state, const SeatPtr& seat) {
  for (const Path& path : seat->definition->terms->changes)
    if (const auto watched = state.paths.find(path); watched != state.paths.end()) {
      std::erase(watched->second.seats, seat);
      if (watched->second.seats.empty())
        state.paths.erase(watched);
    }
  std::erase(state.listeners, seat);
}

Scout::behavior_type scout(Self self, CorePtr core, Hub hub) {
  prepare(self, core);
  self->state.core = std::move(core);
  self->state.hub = std::move(hub);
  self->state.core->bell.attach([scout = Scout{self}] { tell(scout, LookAtCommits{}); });
  return {
      [self](const LookOutFor& message) { look_out(self, message); },
      [self](const ForgetAgents& message) {
        for (const SeatPtr& seat : message.seats)
          forget(self->state, seat);
      },
      [self](LookAtCommits) { look_at_commits(self->state); },
      [self](const SignalBatch& batch) {
        batch.feed->take([self](const EventView& event) { hear(self->state, event); });
      },
      [self](SignalLag lag) {
        for (const SeatPtr& seat : self->state.listeners)
          seat->inbox->lost_signals(lag.lost);
      },
      [self](SignalsEnded) { self->state.is_subscribed = false; },
  };
}

}  // namespace

Scout spawn_scout(caf::actor_system& system, CorePtr core, Hub hub) {
  return system.spawn(scout, std::move(core), std::move(hub));
}

}  // namespace theus::actors
