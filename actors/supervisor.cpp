#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"

#include <algorithm>

namespace theus::actors {
namespace {

// Deadlines of calls that are long over are swept out when the heap has grown to twice its size after the last sweep.
constexpr std::size_t sweep_least = 1024;

struct Watched {
  Deadline deadline;
  std::weak_ptr<Call> call;

  // The heap's top is the earliest.
  friend bool operator<(const Watched& a, const Watched& b) { return a.deadline > b.deadline; }
};

struct State {
  static inline constexpr const char* name = "supervisor";

  CorePtr core;
  std::vector<Watched> watched;  // a heap
  std::size_t sweep_at = sweep_least;
  std::optional<Deadline> next_tick;

  void watch(const CallPtr& call) {
    if (watched.size() >= sweep_at) {
      std::erase_if(watched, [](const Watched& each) {
        const CallPtr alive = each.call.lock();
        return alive == nullptr || alive->is_over();
      });
      std::make_heap(watched.begin(), watched.end());
      sweep_at = std::max(sweep_least, 2 * watched.size());
    }
    watched.push_back({call->deadline(), call});
    std::push_heap(watched.begin(), watched.end());
  }

  void expire_until(Deadline now) {
    while (!watched.empty() && watched.front().deadline <= now) {
      if (const CallPtr call = watched.front().call.lock())
        call->expire(now);
      std::pop_heap(watched.begin(), watched.end());
      watched.pop_back();
    }
  }
};

using Self = Supervisor::stateful_pointer<State>;

void plan_tick(Self self) {
  State& state = self->state;
  if (state.watched.empty())
    return;
  const Deadline due = state.watched.front().deadline;
  if (state.next_tick && *state.next_tick <= due)
    return;
  state.next_tick = due;
  tell_later(Supervisor{self}, std::max(due - state.core->clock->now(), Deadline::duration{0}), DeadlineTick{});
}

Supervisor::behavior_type supervisor(Self self, CorePtr core, std::vector<caf::actor> wards) {
  prepare(self, core);
  self->state.core = std::move(core);
  for (const caf::actor& ward : wards)
    self->monitor(ward);
  // An engine without its state owner or population cannot serve any more; saying so beats waiting for time-outs.
  self->set_down_handler([self](caf::down_msg& down) {
    if (down.reason != caf::exit_reason::user_shutdown)
      self->state.core->fail("an actor of the engine died: " + caf::to_string(down.reason));
  });
  return {
      [self](const WatchDeadline& message) {
        if (const CallPtr call = message.call.lock())
          self->state.watch(call);
        plan_tick(self);
      },
      [self](DeadlineTick) {
        self->state.next_tick.reset();
        self->state.expire_until(self->state.core->clock->now());
        plan_tick(self);
      },
  };
}

}  // namespace

Supervisor spawn_supervisor(caf::actor_system& system, CorePtr core, std::vector<caf::actor> wards) {
  return system.spawn(supervisor, std::move(core), std::move(wards));
}

}  // namespace theus::actors
