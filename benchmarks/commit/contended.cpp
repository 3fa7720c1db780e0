// What a client notices of others. Everybody commits through the same turn; the peer's clients lock one map.

#include "benchmarks/commit/actor_door.hpp"
#include "benchmarks/commit/cases.hpp"
#include "benchmarks/contention.hpp"

#include <theus/engine.hpp>

#include <memory>
#include <stop_token>

namespace theus::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr unsigned threads = 8;
constexpr std::uint64_t samples_per_round = 20'000;

/// All threads but one, each with a client that it calls again and again, for as long as this lives.
template <class MakeClient>
class Bystanders {
public:
  explicit Bystanders(const MakeClient& make_client) {
    for (unsigned thread = 1; thread < threads; ++thread)
      running_.emplace_back([client = make_client(thread)](const std::stop_token& stop) mutable {
        while (!stop.stop_requested())
          client();
      });
  }

private:
  std::vector<std::jthread> running_;
};

template <class Client>
std::vector<double> timed(Client client) {
  std::vector<double> samples;
  samples.reserve(samples_per_round);
  for (std::uint64_t i = 0; i < samples_per_round; ++i) {
    const auto begin = Clock::now();
    client();
    samples.push_back(std::chrono::duration<double, std::nano>(Clock::now() - begin).count());
  }
  return samples;
}

std::string own_key(unsigned thread) { return "thread" + std::to_string(thread); }
Path own_path(unsigned thread) { return Path{"domain"}.key(own_key(thread)); }

auto turn_clients(CommitTurn& turn) {
  return [&](unsigned thread) {
    return [&turn, write = Write::set(own_path(thread), 0)]() mutable {
      const Version now = turn.version();
      write.value = static_cast<std::int64_t>(now);
      turn.commit({now, false, {}, {&write, 1}, {}}).value();
    };
  };
}

auto map_clients(LockedMap& map) {
  return [&](unsigned thread) {
    return [&map, known = std::uint64_t{0}, change = LockedMap::Change{own_key(thread), 0}]() mutable {
      change.value = static_cast<std::int64_t>(known);
      map.swap(known, {&change, 1});
    };
  };
}

double thread_waits(CommitTurn& turn, double share) {
  const auto make_client = turn_clients(turn);
  const Bystanders bystanders{make_client};
  return quantile(timed(make_client(0)), share);
}

double map_waits(LockedMap& map, double share) {
  const auto make_client = map_clients(map);
  const Bystanders bystanders{make_client};
  return quantile(timed(make_client(0)), share);
}

double actor_waits(ActorDoor& door, double share) {
  const Bystanders bystanders{turn_clients(door.turn())};
  return quantile(door.latencies(samples_per_round), share);
}

struct Updates {
  std::uint64_t tries = 0;
  Contest contest;
};

/// All threads add to one counter through Engine::update, which tries again after a conflict.
Updates update_in_contest(Engine& engine) {
  std::atomic<std::uint64_t> tries{0};
  const auto add = [&](const Value& old) {
    tries.fetch_add(1, std::memory_order_relaxed);
    return Value{old.is_int() ? old.as_int() + 1 : 1};
  };
  const Path path{counter_path};
  Contest result = contest(threads, [&](unsigned) { return [&] { return engine.update(path, add).ok(); }; });
  return {tries.load(), std::move(result)};
}

constexpr std::chrono::milliseconds think_time{1};

/// Takes the version, thinks, and swaps a key.
auto thinking_client(Engine& engine, const Path& path, bool one_version) {
  return [&engine, path, one_version] {
    const Version seen = engine.version();
    std::this_thread::sleep_for(think_time);
    return engine
        .compare_and_swap(seen, {Write::set(path, static_cast<std::int64_t>(seen))},
                          {.reads = {}, .strict = one_version})
        .ok();
  };
}

double thinking_commits(Engine& engine, bool one_version) {
  constexpr unsigned clients = 64;
  return contest(clients, [&](unsigned thread) { return thinking_client(engine, own_path(thread), one_version); })
      .successes_per_second();
}

/// Sets the counter twenty thousand times a second, for as long as this lives.
class ShortWriter {
public:
  explicit ShortWriter(Engine& engine)
      : thread_([&](const std::stop_token& stop) {
          constexpr std::chrono::microseconds interval{50};
          Write write = Write::set(Path{counter_path}, 0);
          for (auto due = Clock::now(); !stop.stop_requested(); due += interval) {
            std::this_thread::sleep_until(due);
            const Version now = engine.version();
            write.value = static_cast<std::int64_t>(now);
            keep(engine.compare_and_swap(now, {&write, 1}));
          }
        }) {}

private:
  std::jthread thread_;
};

constexpr std::chrono::milliseconds long_span{3000};

/// Transactions that read the counter, think, and write it.
double reserved_transactions(Engine& engine) {
  const ShortWriter writer{engine};
  const Path path{counter_path};
  const auto think = [&](Transaction& transaction) -> Status {
    const auto seen = transaction.find(path);
    std::this_thread::sleep_for(think_time);
    return seen ? transaction.set(path, -1) : Status{seen.error()};
  };
  return contest(
             1, [&](unsigned) { return [&] { return engine.transaction(think).ok(); }; }, long_span)
      .successes_per_second();
}

/// The same by swaps; may need luck to succeed at all.
// A round in which it never succeeds counts as one success.
double optimistic_swaps(Engine& engine) {
  const ShortWriter writer{engine};
  const Contest done = contest(
      1, [&](unsigned) { return thinking_client(engine, Path{counter_path}, false); }, long_span);
  return std::max(done.successes_per_second(), 1 / done.seconds);
}

}  // namespace

void thread_latency(Case& subject, double share) {
  subject.ours([turn = std::make_shared<CommitTurn>(), share] { return thread_waits(*turn, share); });
  subject.peer("mutex+map", [map = std::make_shared<LockedMap>(), share] { return map_waits(*map, share); });
}

void actor_latency(Case& subject, double share) {
  subject.ours([door = std::make_shared<ActorDoor>(1), share] { return actor_waits(*door, share); });
  subject.peer("thread", [turn = std::make_shared<CommitTurn>(), share] { return thread_waits(*turn, share); });
}

void attempts_per_update(Case& subject) {
  subject.ours([engine = std::make_shared<Engine>()] {
    const Updates done = update_in_contest(*engine);
    return static_cast<double>(done.tries) / (done.contest.successes_per_second() * done.contest.seconds);
  });
}

void shares_of_updates(Case& subject) {
  subject.ours([engine = std::make_shared<Engine>()] {
    const Contest done = update_in_contest(*engine).contest;
    const auto [least, most] = std::ranges::minmax(done.threads, {}, &Tally::successes);
    return static_cast<double>(most.successes) / static_cast<double>(least.successes);
  });
}

void disjoint_clients(Case& subject) {
  subject.ours([engine = std::make_shared<Engine>()] { return thinking_commits(*engine, false); });
  subject.peer("global version", [engine = std::make_shared<Engine>()] { return thinking_commits(*engine, true); });
}

void long_transaction(Case& subject) {
  subject.ours([engine = std::make_shared<Engine>()] { return reserved_transactions(*engine); });
  subject.peer("plain optimistic", [engine = std::make_shared<Engine>()] { return optimistic_swaps(*engine); });
}

}  // namespace theus::bench
