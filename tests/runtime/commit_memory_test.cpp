// Commits while memory ends at any allocation.

#include "tests/support/execution_stage.hpp"
#include "tests/support/failing_allocation.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <random>

namespace theus {
namespace {

using testing::ExecutionStage;
using testing::FailingAllocation;

/// Commits with the 1st, 2nd, ... allocation failing until it succeeds; calls `refused` after each refusal.
Version commit_in_spite(CommitTurn& turn, const std::vector<Write>& writes, const std::function<void()>& refused) {
  for (std::size_t countdown = 1;; ++countdown) {
    const Version base = turn.version();
    Outcome outcome{Version{0}};
    {
      const FailingAllocation failing{countdown};
      outcome = turn.commit(ProposalView{base, false, {}, writes, {}});
      if (!failing.has_failed())
        return outcome.value();
    }
    if (outcome)
      return *outcome;  // what failed was not needed for the commit
    REQUIRE(outcome.error().code() == Errc::resource_exhausted);
    CHECK(turn.version() == base);
    refused();
  }
}

TEST_CASE("a commit whose n-th allocation fails is refused and changes nothing [F14]", "[commit][F14]") {
  std::vector<Write> initial{
      {"domain.user", Value{{"name", "a"}, {"tags", Value::list({1, 2})}, {"long", std::string(50, 'x')}}}};
  for (int i = 0; i < 100; ++i)
    initial.push_back({Path{"domain.many"}.key("k" + std::to_string(i)), i});
  ExecutionStage stage{initial};
  const Value before = stage.everything();
  const Snapshot old = stage.turn.snapshot();
  Value nested{{"bottom", 1}};
  for (int depth = 0; depth < 20; ++depth)
    nested = Value{{"below", nested}};
  const std::vector<Write> writes{{"domain.user.name", std::string(40, 'b')},
                                  {"domain.nested", nested},
                                  Write::append("domain.user.tags", 3),
                                  {"domain.fresh.deep.down", Value{{"x", Value::list({1, 2, 3})}}},
                                  Write::erase("domain.many.k7"),
                                  Write::set("domain.many.k100", 1),
                                  Write::increment("domain.count", 1)};

  int refusals = 0;
  commit_in_spite(stage.turn, writes, [&] {
    ++refusals;
    CHECK(stage.everything() == before);
  });

  CHECK(refusals >= 2);  // many more under AddressSanitizer, where every node is an allocation
  CHECK(old.find("").value() == before);
  CHECK(stage.at("domain.count") == Value{1});
  CHECK(stage.at("domain.user.tags") == Value::list({1, 2, 3}));
  CHECK_FALSE(stage.turn.snapshot().contains("domain.many.k7"));
}

TEST_CASE("memory that ends while old nodes are looked through frees nothing that is still read [F14]",
          "[commit][F14]") {
  const auto seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  std::mt19937 random{seed};
  ExecutionStage stage;
  std::vector<std::pair<Snapshot, Value>> held;
  const auto random_path = [&] {
    return Path{"domain"}.key("g" + std::to_string(random() % 4)).key("k" + std::to_string(random() % 40));
  };
  for (int step = 0; step < 6000; ++step) {
    std::vector<Write> writes{{random_path(), step}};
    if (random() % 50 == 0)
      writes = {Write::erase(random_path().parent())};
    Outcome outcome{Version{0}};
    {
      const FailingAllocation failing{1 + random() % 40};
      outcome = stage.turn.commit(ProposalView{stage.turn.version(), false, {}, writes, {}});
    }
    if (!outcome)
      REQUIRE(outcome.error().code() == Errc::resource_exhausted);
    if (random() % 20 == 0)
      held.emplace_back(stage.turn.snapshot(), stage.everything());
    if (held.size() > 30) {
      const auto at = held.begin() + static_cast<std::ptrdiff_t>(random() % held.size());
      REQUIRE(at->first.find("").value() == at->second);
      held.erase(at);
    }
  }
  for (const auto& [snapshot, expected] : held)
    CHECK(snapshot.find("").value() == expected);
}

}  // namespace
}  // namespace theus
