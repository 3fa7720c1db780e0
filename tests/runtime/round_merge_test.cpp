#include "runtime/round_merge.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <set>

namespace theus {
namespace {

/// Whether a round of agents with these writes is refused.
bool overlaps(std::vector<std::vector<Write>> agents) {
  std::vector<RoundPart> parts;
  for (auto& writes : agents)
    parts.push_back({writes});
  const auto merged = merge_round(1, parts, [](std::size_t agent) { return "agent" + std::to_string(agent); });
  if (!merged)
    CHECK(*merged.error().field("rule") == "round_overlap");
  return !merged;
}

TEST_CASE("the writes of a round come in the order of its agents", "[round_merge]") {
  std::vector<Write> first{{"domain.b", 1}, {"domain.a", 2}};
  std::vector<Write> second{{"domain.c", 3}};
  std::vector<RoundPart> parts{{first}, {second}};
  const auto merged = merge_round(7, parts, [](std::size_t) { return std::string{}; }).value();
  REQUIRE(merged.writes.size() == 3);
  CHECK(merged.base == 7);
  CHECK(merged.reads.empty());
  CHECK(merged.writes[0].path == Path{"domain.b"});
  CHECK(merged.writes[2].value == Value{3});
}

TEST_CASE("commutative writes of one path may meet, unless somebody also sets it", "[round_merge]") {
  const Path sum{"domain.sum"};
  const auto add = Write::increment(sum, 1);
  CHECK_FALSE(overlaps({{add}, {add}, {add, add}}));
  CHECK(overlaps({{add}, {Write::set(sum, 1)}}));
  CHECK(overlaps({{Write::set(sum, 1)}, {add}}));
  CHECK(overlaps({{add, Write::set(sum, 1)}, {add}}));
  CHECK_FALSE(overlaps({{add, Write::set(sum, 1)}, {Write::set("domain.other", 1)}}));
}

TEST_CASE("merging refuses exactly what a comparison of all pairs refuses", "[round_merge]") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    std::vector<std::vector<Write>> agents(1 + random() % 6);
    for (auto& writes : agents)
      for (std::size_t count = random() % 4; count > 0; --count) {
        Path path{"domain"};
        for (std::size_t depth = 1 + random() % 3; depth > 0; --depth)
          path = path.key(std::string(1, static_cast<char>('a' + random() % 3)));
        writes.push_back(random() % 3 == 0 ? Write::increment(path, 1) : Write::set(path, 1));
      }
    bool expected = false;
    for (std::size_t a = 0; a < agents.size(); ++a)
      for (std::size_t b = 0; b < a; ++b)
        for (const Write& one : agents[a])
          for (const Write& other : agents[b]) {
            const bool meet = one.path.covers(other.path) || other.path.covers(one.path);
            const bool both_add =
                one.path == other.path && one.kind == Write::Kind::increment && other.kind == Write::Kind::increment;
            expected |= meet && !both_add;
          }
    REQUIRE(overlaps(agents) == expected);
  }
}

TEST_CASE("ten thousand agents with paths of their own do not overlap", "[round_merge]") {
  std::vector<std::vector<Write>> agents;
  for (int i = 0; i < 10'000; ++i)
    agents.push_back({{Path{"domain"}.key("x" + std::to_string(i)).key("y"), i}});
  CHECK_FALSE(overlaps(agents));
  agents.push_back({{"domain.x5000", 1}});
  CHECK(overlaps(agents));
}

}  // namespace
}  // namespace theus
