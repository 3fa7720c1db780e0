// The judge of histories is judged first: by bugs planted into a fake, and by a search through all orders.

#include "tests/support/history_check.hpp"
#include "tests/support/history_search.hpp"
#include "tests/support/simulation.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <chrono>
#include <set>

namespace theus::testing {
namespace {

using Bug = FakeTurn::Bug;

History simulated(Bug bug, unsigned seed, const std::vector<PathId>& parents, const SimulationOptions& options) {
  const History shape{parents};
  FakeTurn turn{shape, bug, seed};
  return simulate(turn, parents, seed, options);
}

TEST_CASE("the judge accepts what a state without bugs answers", "[history]") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    const auto violation =
        find_violation(simulated(Bug::none, seed, groups_of_leaves(2, 3), {.clients = 5, .operations = 150}));
    INFO("seed " << seed << ": " << (violation ? violation->text : ""));
    REQUIRE_FALSE(violation.has_value());
  }
}

TEST_CASE("the judge finds every bug that is planted", "[history][F81]") {
  const auto bug = static_cast<Bug>(GENERATE(range(1, FakeTurn::bugs + 1)));
  unsigned found = 0;
  std::set<std::string_view> rules;
  for (unsigned seed = 0; seed < 50; ++seed)
    if (const auto violation =
            find_violation(simulated(bug, seed, groups_of_leaves(2, 3), {.clients = 5, .operations = 150}))) {
      ++found;
      rules.insert(to_string(violation->rule));
    }
  std::string told;
  for (const std::string_view rule : rules)
    told += " " + std::string{rule};
  INFO(to_string(bug) << ": in " << found << " of 50 histories, as" << told);
  CHECK(found > 20);
}

// One random damage to the record.
void damage(History& history, std::mt19937& random) {
  const auto operations = history.operations();
  if (operations.empty())
    return;
  const auto any = [&]() -> Operation& { return operations[random() % operations.size()]; };
  Operation& operation = any();
  switch (random() % 8) {
    case 0: operation.version += 1; break;
    case 1: operation.version -= operation.version > 0 ? 1 : 0; break;
    case 2: operation.base += 1; break;
    case 3: operation.base -= operation.base > 0 ? 1 : 0; break;
    case 4: std::swap(operation.version, any().version); break;
    case 5: {
      Operation& other = any();
      std::swap(operation.invoked, other.invoked);
      std::swap(operation.responded, other.responded);
      break;
    }
    case 6:
      if (const auto seen = history.all_seen(); !seen.empty())
        seen[random() % seen.size()].value += 1000;
      break;
    case 7:
      if (operation.kind == Operation::Kind::swap && operation.outcome == Operation::Outcome::mismatch)
        operation.outcome = Operation::Outcome::ok;
      break;
  }
}

TEST_CASE("the judge agrees with trying all orders of small histories", "[history]") {
  std::mt19937 random{5};
  unsigned explained = 0;
  constexpr unsigned rounds = 6000;
  for (unsigned seed = 0; seed < rounds; ++seed) {
    const auto bug = random() % 2 == 0 ? Bug::none : static_cast<Bug>(random() % (FakeTurn::bugs + 1));
    History history =
        simulated(bug, seed, groups_of_leaves(1, 2 + static_cast<PathId>(random() % 2)),
                  {.clients = 3, .operations = 4 + static_cast<unsigned>(random() % 9), .lost_one_in = 4});
    for (auto damages = random() % 3; damages > 0; --damages)
      damage(history, random);
    const bool has_order = has_explanation(history);
    explained += has_order ? 1 : 0;
    const auto violation = find_violation(history);
    INFO("seed " << seed << ", " << to_string(bug) << ": " << (violation ? violation->text : "accepted"));
    REQUIRE(has_order == !violation.has_value());
  }
  INFO(explained << " of " << rounds << " had an order");
  CHECK(explained > rounds / 4);
  CHECK(explained < rounds * 3 / 4);
}

TEST_CASE("an unanswered swap may have happened once, or not at all", "[history]") {
  const std::vector<PathId> parents{no_path};
  const std::array<Change, 1> set{{{0, Change::Kind::set, 7}}};
  const std::array<Seen, 1> seen{{{0, 7}}};
  const std::array<Glimpse, 1> full{{{0, seen}}};
  const std::array<Glimpse, 1> empty{{{0, {}}}};
  History history{parents};
  history.unanswered(1, {0, {}, set});

  SECTION("not yet") { history.read({2, 3}, 0, empty); }
  SECTION("late") {
    history.read({2, 3}, 0, empty);
    history.read({4, 5}, 1, full);
  }
  CHECK_FALSE(find_violation(history).has_value());

  SECTION("but not before its call") {
    History early{parents};
    early.read({1, 2}, 1, full);
    early.unanswered(3, {0, {}, set});
    CHECK(find_violation(early)->rule == Violation::Rule::gap);
  }
  SECTION("nor twice") {
    const std::array<Change, 1> erase{{{0, Change::Kind::erase}}};
    history.read({10, 11}, 1, full);
    history.swapped({12, 13}, {1, {}, erase}, 2);
    history.read({14, 15}, 3, full);
    CHECK(find_violation(history)->rule == Violation::Rule::gap);
  }
}

TEST_CASE("a million operations are judged in one pass", "[history]") {
  constexpr unsigned leaves = 100;
  History history{groups_of_leaves(1, leaves)};
  std::vector<std::int64_t> values(leaves, -1);
  std::vector<std::uint64_t> changed(leaves, 0);
  std::mt19937 random{3};
  std::uint64_t version = 0;
  std::uint64_t clock = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const auto leaf = static_cast<PathId>(random() % leaves);
    const PathId path = leaf + 2;
    clock += 2;
    if (random() % 2 == 0) {
      const std::array<Seen, 1> seen{{{path, values[leaf]}}};
      const std::array<Glimpse, 1> glimpses{{{path, std::span{seen}.first(values[leaf] < 0 ? 0 : 1)}}};
      history.read({clock - 1, clock}, version, glimpses);
    } else {
      const std::array<Change, 1> set{{{path, Change::Kind::set, i}}};
      const std::uint64_t base = changed[leaf] + random() % (version - changed[leaf] + 1);
      history.swapped({clock - 1, clock}, {base, {}, set}, ++version);
      values[leaf] = i;
      changed[leaf] = version;
    }
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto violation = find_violation(history);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  WARN("a million operations judged in " << took.count() << " s");
  CHECK_FALSE(violation.has_value());

  history.operations()[history.operations().size() / 2].version -= 1;
  CHECK(find_violation(history).has_value());
}

}  // namespace
}  // namespace theus::testing
