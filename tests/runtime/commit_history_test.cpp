// What the commit turn answers, judged as a history: under threads, and in seeded simulations.

#include "tests/support/history_check.hpp"
#include "tests/support/recorded_turn.hpp"
#include "tests/support/simulation.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

namespace theus::testing {
namespace {

std::string told(const std::optional<Violation>& violation) {
  return violation ? std::string{to_string(violation->rule)} + " at operation " + std::to_string(violation->operation) +
                         ": " + violation->text
                   : "no violation";
}

template <class State>
void judge_simulations(unsigned seeds, const SimulationOptions& options) {
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    const auto parents = groups_of_leaves(1 + seed % 3, 2 + seed % 4);
    State state{History{parents}};
    const auto violation = find_violation(simulate(state, parents, seed, options));
    INFO("seed " << seed << ": " << told(violation));
    REQUIRE_FALSE(violation.has_value());
  }
}

TEST_CASE("every interleaving of clients that a seed gives has an order that explains it", "[commit][history][F81]") {
  judge_simulations<RecordedTurn>(1000, {.clients = 6, .operations = 120});
}

TEST_CASE("every interleaving of overlays that a seed gives has an order that explains it", "[overlay][history][F81]") {
  judge_simulations<RecordedOverlays>(500, {.clients = 6, .operations = 120});
}

/// Threads that read, swap and wait for each other as the machine has it, each with a record of its own.
History run_threads(RecordedTurn& state, const std::vector<PathId>& parents, unsigned threads, unsigned operations) {
  History history{parents};
  std::atomic<std::uint64_t> clock{0};
  std::vector<History> records(threads, history);
  const auto run = [&](unsigned number) {
    History& record = records[number];
    ClientMind mind{history, number, 1 + 10'000'000 * static_cast<std::int64_t>(number)};
    for (unsigned i = 0; i < operations; ++i) {
      const bool looks = mind.wants_to_look();
      const auto paths = looks ? mind.choose_paths() : std::span<const PathId>{};
      const auto wish = looks ? History::Wish{} : mind.wish();
      const std::uint64_t invoked = ++clock;
      if (looks) {
        const Observation observation = state.observe(paths);
        testing::record(record, {invoked, ++clock}, paths, observation);
        mind.has_seen(observation.version);
      } else {
        const Answer answer = state.swap(wish);
        testing::record(record, {invoked, ++clock}, wish, answer);
      }
    }
  };
  std::vector<std::thread> running;
  for (unsigned number = 0; number < threads; ++number)
    running.emplace_back(run, number);
  for (std::thread& thread : running)
    thread.join();
  for (const History& record : records)
    history.append(record);
  return history;
}

TEST_CASE("what threads are answered under load has an order that explains it", "[commit][history][stress][F81]") {
  const auto leaves = GENERATE(2U, 20U);
  const auto parents = groups_of_leaves(3, leaves);
  RecordedTurn state{History{parents}};
  const History history = run_threads(state, parents, 4, 40'000);
  const auto violation = find_violation(history);
  INFO(told(violation));
  CHECK_FALSE(violation.has_value());
  unsigned refused = 0;
  for (const Operation& operation : history.operations())
    refused += operation.outcome == Operation::Outcome::mismatch ? 1 : 0;
  CHECK(refused > 1000);
  CHECK(state.turn().version() > 1000);
}

}  // namespace
}  // namespace theus::testing
