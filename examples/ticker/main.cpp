// One producer and six ways to hear it: a fast subscriber that takes many at once, a deliberately slow one, one that
// wants alarms only, a coroutine, a poller and an actor, which counts the alarms in the engine's state. Nobody delays
// the producer but the one that asked for it; what the others lose is counted.

#include <theus/engine.hpp>

#include <poll.h>

#include <cstdio>
#include <cstdlib>
#include <latch>
#include <thread>

#include "live_table.hpp"

namespace {

using namespace std::chrono_literals;
using theus::Received;
using theus::SignalOverflow;
using theus::SignalReceiver;

constexpr std::uint64_t ticks_per_alarm = 100;

/// What one subscriber was told: by signals, and of those it came too late for.
struct Account {
  std::uint64_t heard = 0;
  std::uint64_t lost = 0;

  /// False once nothing more will come.
  bool add(const Received& received) {
    heard += received.is_event() ? 1 : 0;
    lost += received.lagged();
    return !received.is_closed();
  }
};

void produce(theus::SignalHub& hub, std::uint64_t ticks) {
  const theus::SignalTopic alarm = hub.topic("ticker.alarm"), tick = hub.topic("ticker.tick");
  for (std::uint64_t n = 1; n <= ticks; ++n)
    hub.send(n % ticks_per_alarm == 0 ? alarm : tick, {{"n", n}});
  hub.send("ticker.end");
}

/// The least work per signal: they are looked at where they stand.
void listen_in_batches(SignalReceiver receiver, Account& account) {
  theus::EventBatch batch;
  while (!receiver.recv_batch(batch, 1h).is_closed()) {
    account.heard += batch ? batch.size() : 0;
    account.lost += batch.lagged();
  }
}

void listen(SignalReceiver receiver, Account& account, std::chrono::microseconds pause) {
  while (account.add(receiver.recv()))
    if (pause > 0us)
      std::this_thread::sleep_for(pause);
}

/// As a program does that waits for other things too: sockets, timers, user interfaces.
void poll_for(SignalReceiver receiver, Account& account) {
  pollfd ready{receiver.event_fd(), POLLIN, 0};
  while (true) {
    Received received = receiver.try_recv();
    if (received.is_empty())
      ::poll(&ready, 1, -1);
    else if (!account.add(received))
      return;
  }
}

/// A coroutine that nobody waits for.
struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::abort(); }
  };
};

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): both outlive it, see `ended`.
Detached await(SignalReceiver receiver, Account& account, std::latch& ended) {
  bool is_open = true;
  while (is_open) {
    const Received received = co_await receiver.recv_async();
    is_open = account.add(received);
  }
  ended.count_down();
}

/// Runs once per alarm; each run is one commit.
theus::Agent alarm_counter() {
  return {.name = "alarm_counter",
          .reads = {"domain.alarms"},
          .writes = {"domain.alarms", "domain.is_over"},
          .on = {.signals = {"ticker.alarm", "ticker.end"}},
          .body = [](theus::Context& ctx) {
            if (ctx.trigger().name == "ticker.end")
              ctx.set("domain.is_over", true);
            else
              ctx.increment("domain.alarms");
          }};
}

/// What the actor has heard by the end, and of what it was told that it came too late: any signals, not alarms only.
Account alarms_heard(theus::Engine& engine) {
  theus::Version version = 0;
  while (!engine.state().data().get<bool>("domain.is_over", false).value())
    version = engine.wait_for_change({"domain.is_over"}, version, 1min).value();
  return {static_cast<std::uint64_t>(engine.state().data().get<std::int64_t>("domain.alarms").value()),
          engine.agent_status().front().signals_lost};
}

/// Whether every signal sent was either heard or told as lost; says so.
bool is_complete(const char* name, const Account& account, std::uint64_t sent) {
  const bool complete = account.heard + account.lost == sent;
  std::printf("%-10s %s\n", name, complete ? "every signal is accounted for" : "SIGNALS ARE MISSING");
  return complete;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t ticks = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 300'000;
  const std::uint64_t alarms = ticks / ticks_per_alarm;
  theus::Engine engine{{.initial = {{"domain.alarms", 0}}}};
  theus::SignalHub& hub = engine.signals();  // keeps a thousand signals
  engine.spawn_agent(alarm_counter()).value();
  Account fast, slow, filtered, poller, coroutine;
  std::latch coroutine_ended{1};
  std::thread threads[] = {
      std::thread{listen_in_batches, hub.subscribe({.name = "fast"}), std::ref(fast)},
      std::thread{listen, hub.subscribe({.name = "slow"}), std::ref(slow), 200us},
      std::thread{listen,
                  hub.subscribe({.filter = "*.alarm", .name = "filtered", .overflow = SignalOverflow::block(10s)}),
                  std::ref(filtered), 0us},
      std::thread{poll_for, hub.subscribe({.name = "poller"}), std::ref(poller)},
  };
  await(hub.subscribe({.name = "coroutine"}), coroutine, coroutine_ended);
  {
    const LiveTable table{hub};
    produce(hub, ticks);
  }
  const Account actor = alarms_heard(engine);
  hub.close();  // who hears it takes what is left first
  for (std::thread& thread : threads)
    thread.join();
  coroutine_ended.wait();

  std::printf("%llu ticks, of which %llu alarms\n", static_cast<unsigned long long>(ticks),
              static_cast<unsigned long long>(alarms));
  const std::uint64_t sent = ticks + 1;  // with the one that tells the end
  const bool complete = is_complete("fast", fast, sent) && is_complete("slow", slow, sent) &&
                        is_complete("filtered", filtered, alarms) && is_complete("poller", poller, sent) &&
                        is_complete("coroutine", coroutine, sent);
  const bool is_told = actor.heard <= alarms && actor.heard + actor.lost >= alarms;
  std::printf("%-10s %s\n", "actor", is_told ? "heard every alarm or was told of its loss" : "ALARMS ARE MISSING");
  std::printf("the slow one lost %s, the filtered one %s\n", slow.lost > 0 ? "some" : "nothing",
              filtered.lost > 0 ? "some" : "nothing");
  return complete && is_told ? 0 : 1;
}
