#include "runtime/conflict_counts.hpp"

#include "runtime/commit_turn.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

TEST_CASE("the path that conflicts most often comes first", "[conflict_counts]") {
  ConflictCounts counts;
  counts.add("domain.a");
  for (int i = 0; i < 3; ++i)
    counts.add("domain.b");
  const auto told = counts.most_frequent();
  REQUIRE(told.size() == 2);
  CHECK(told[0].path == "domain.b");
  CHECK(told[0].count == 3);
  CHECK(told[1].count == 1);
}

TEST_CASE("paths beyond the first thousand are counted together", "[conflict_counts]") {
  ConflictCounts counts;
  for (std::size_t i = 0; i < ConflictCounts::paths_max + 7; ++i)
    counts.add(Path{"domain"}.key(std::to_string(i)));
  const auto told = counts.most_frequent();
  CHECK(told.size() == ConflictCounts::paths_max + 1);
  CHECK(told.front().path == "*");
  CHECK(told.front().count == 7);
}

TEST_CASE("the turn tells its listener which path had changed", "[conflict_counts]") {
  struct Listener final : CommitListener {
    void committed(Version, std::span<const Signal>) noexcept override {}
    void refused(const Path& path) noexcept override { counts.add(path); }
    ConflictCounts counts;
  } listener;
  CommitTurn turn{&listener};
  const std::vector<Write> writes{Write::set("domain.a", 1)};
  turn.commit(ProposalView{.writes = writes}).value();
  CHECK_FALSE(turn.commit(ProposalView{.writes = std::vector{Write::set("domain.a", 2)}}).ok());
  const auto told = listener.counts.most_frequent();
  REQUIRE(told.size() == 1);
  CHECK(told[0].path == "domain.a");
}

}  // namespace
}  // namespace theus
