// One counter, known to every client by its version: each client swaps the version it knows for the next, and takes
// the newest version after a refusal. ours goes through the public door, with the checks of its paths and versions, and
// with one watcher of the counter, who is told all the time what has changed, and with a schema of the state.

#include "benchmarks/commit/cases.hpp"
#include "benchmarks/contention.hpp"

#include <theus/engine.hpp>

#include <memory>
#include <stop_token>
#include <thread>

namespace theus::bench {
namespace {

/// Follows the counter in a thread of its own.
class Watcher {
public:
  explicit Watcher(Engine& engine)
      : thread_([watch = engine.watch({Path{counter_path}}, engine.version()).value()](
                    const std::stop_token& stop) mutable {
          while (!stop.stop_requested())
            keep(watch.next(std::chrono::milliseconds{10}));
        }) {}

private:
  std::jthread thread_;
};

double engine_swaps(Engine& engine, unsigned threads) {
  const Watcher watcher{engine};
  return contest(threads,
                 [&](unsigned) {
                   return [&, known = engine.version(), write = Write::set(Path{counter_path}, 0)]() mutable {
                     write.value = static_cast<std::int64_t>(known) + 1;
                     const auto swapped = engine.compare_and_swap(known, {&write, 1});
                     known = swapped ? *swapped : engine.version();
                     return swapped.ok();
                   };
                 })
      .successes_per_second();
}

double map_swaps(LockedMap& map, unsigned threads) {
  return contest(threads,
                 [&](unsigned) {
                   return [&, known = std::uint64_t{0},
                           change = LockedMap::Change{std::string{counter_path}, 0}]() mutable {
                     change.value = static_cast<std::int64_t>(known) + 1;
                     return map.swap(known, {&change, 1});
                   };
                 })
      .successes_per_second();
}

std::shared_ptr<Engine> guarded_engine() {
  auto engine = std::make_shared<Engine>();
  engine
      ->set_schema("domain", Schema::parse("{type: object, required: [count], "
                                           "properties: {count: {type: integer, minimum: 0}, name: {type: string}}}")
                                 .value())
      .value();
  engine->compare_and_swap(engine->version(), {{counter_path, 0}}).value();
  return engine;
}

void cas(Case& subject, unsigned threads) {
  subject.ours([engine = guarded_engine(), threads] { return engine_swaps(*engine, threads); });
  subject.peer("mutex+map", [map = std::make_shared<LockedMap>(), threads] { return map_swaps(*map, threads); });
#ifdef THEUS_BENCHMARK_PEERS
  add_packaged_cas_peers(subject, threads);
#endif
}

}  // namespace

void cas_1_thread(Case& subject) { cas(subject, 1); }
void cas_8_threads(Case& subject) { cas(subject, 8); }

}  // namespace theus::bench
