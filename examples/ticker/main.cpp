// One producer and five ways to hear it: a fast subscriber, a deliberately slow one, one that wants alarms only, a
// coroutine and a poller. Nobody delays the producer but the one that asked for it; what the others lose is counted.

#include <theus/signal_hub.hpp>

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
  for (std::uint64_t n = 1; n <= ticks; ++n)
    hub.send(n % ticks_per_alarm == 0 ? "ticker.alarm" : "ticker.tick", {{"n", n}});
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
  theus::SignalHub hub;  // keeps a thousand signals
  Account fast, slow, filtered, poller, coroutine;
  std::latch coroutine_ended{1};
  std::thread threads[] = {
      std::thread{listen, hub.subscribe({.name = "fast"}), std::ref(fast), 0us},
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
  hub.close();  // who hears it takes what is left first
  for (std::thread& thread : threads)
    thread.join();
  coroutine_ended.wait();

  std::printf("%llu ticks, of which %llu alarms\n", static_cast<unsigned long long>(ticks),
              static_cast<unsigned long long>(alarms));
  const bool complete = is_complete("fast", fast, ticks) && is_complete("slow", slow, ticks) &&
                        is_complete("filtered", filtered, alarms) && is_complete("poller", poller, ticks) &&
                        is_complete("coroutine", coroutine, ticks);
  std::printf("the slow one lost %s, the filtered one %s\n", slow.lost > 0 ? "some" : "nothing",
              filtered.lost > 0 ? "some" : "nothing");
  return complete ? 0 : 1;
}
