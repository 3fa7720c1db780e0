#include "runtime/commit_turn.hpp"
#include "tests/support/manual_clock.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

using namespace std::chrono_literals;

Outcome put(CommitTurn& turn, const Path& path, const Value& value) {
  const std::vector<Write> writes{Write::set(path, value)};
  return turn.commit({.base = turn.version(), .writes = writes});
}

TEST_CASE("a turn tells which old versions are held, since when, and what they cost", "[commit]") {
  auto passed = std::make_shared<std::chrono::nanoseconds>(0);
  const testing::ManualClock clock{passed};
  CommitTurn turn{nullptr, clock};
  CHECK(turn.statistics().retained_versions == 0);
  put(turn, "domain.text", std::string(10'000, 'x')).value();
  std::optional<Snapshot> old = turn.snapshot();
  CHECK(turn.statistics().retained_versions == 0);  // nothing replaced it yet

  put(turn, "domain.text", "short").value();
  put(turn, "domain.text", "shorter").value();
  CHECK(turn.statistics().retained_versions == 1);
  *passed += 1500ms;
  const StateStatistics told = turn.statistics();
  CHECK(told.version == 3);
  CHECK(told.oldest_version == 1);
  CHECK(told.oldest_age == 1500ms);
  CHECK(told.retained_bytes >= 10'000);
  CHECK(told.retained_bytes < 12'000);

  old.reset();
  const StateStatistics after = turn.statistics();
  CHECK(after.retained_versions == 0);
  CHECK(after.retained_bytes == 0);
  CHECK(after.oldest_version == 0);
}

TEST_CASE("commits are refused while old snapshots keep more than they may, and go on afterwards", "[commit]") {
  CommitTurn turn{nullptr, system_clock(), {.retained_bytes_max = 50'000}};
  std::vector<Snapshot> held;
  Outcome outcome = Version{0};
  for (int i = 0; outcome && i < 10'000; ++i) {
    outcome = put(turn, "domain.text", std::string(1000, static_cast<char>('a' + i % 26)));
    held.push_back(turn.snapshot());
  }
  REQUIRE(outcome.error().code() == Errc::resource_exhausted);
  CHECK(outcome.error().cause().find("the oldest of version 1,") != std::string::npos);
  CHECK(turn.snapshot().version() == turn.version());
  CHECK_FALSE(put(turn, "domain.text", "x").ok());

  held.clear();
  CHECK(put(turn, "domain.text", "x").ok());
}

}  // namespace
}  // namespace theus
