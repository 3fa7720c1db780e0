#include "runtime/round_spread.hpp"

#include <catch2/catch.hpp>

#include <numeric>
#include <random>

namespace theus {
namespace {

HostNumbers all(std::size_t agents) {
  HostNumbers numbers(agents);
  std::iota(numbers.begin(), numbers.end(), std::uint64_t{0});
  return numbers;
}

}  // namespace

TEST_CASE("a round without hosts is one stretch, and one of nobody is none", "[round_spread]") {
  CHECK(spread_round(5, {}) == std::vector<Stretch>{{0, 5, 0}});
  CHECK(spread_round(0, {}).empty());
  const std::vector<HostNumbers> one(1);
  CHECK(spread_round(0, one).empty());
}

TEST_CASE("processes that can step all agents get equal stretches", "[round_spread]") {
  const std::vector hosts{all(34), all(34)};
  CHECK(spread_round(34, hosts) == std::vector<Stretch>{{0, 12, 0}, {12, 11, 1}, {23, 11, 2}});
  const std::vector many{all(2), all(2), all(2)};
  CHECK(spread_round(2, many) == std::vector<Stretch>{{0, 1, 0}, {1, 1, 2}});
}

TEST_CASE("an agent that its process does not know stays with that of the one before", "[round_spread]") {
  std::vector hosts{all(9), all(9)};
  for (std::size_t agent = 6; agent < 9; ++agent)
    hosts[1][agent] = not_hosted;
  CHECK(spread_round(9, hosts) == std::vector<Stretch>{{0, 3, 0}, {3, 6, 1}});
}

TEST_CASE("an agent that neither knows goes to the process that does and has the fewest", "[round_spread]") {
  // One host has the first half, the other one the second.
  std::vector hosts{all(34), all(34)};
  for (std::size_t agent = 0; agent < 34; ++agent)
    hosts[agent < 17 ? 1 : 0][agent] = not_hosted;
  CHECK(spread_round(34, hosts) == std::vector<Stretch>{{0, 12, 0}, {12, 5, 1}, {17, 17, 2}});
}

TEST_CASE("every agent is stepped once, in order, by a process that knows it", "[round_spread]") {
  std::mt19937_64 random{20261129};
  for (int times = 0; times < 2000; ++times) {
    const std::size_t agents = random() % 60;
    std::vector<HostNumbers> hosts(random() % 5);
    for (HostNumbers& numbers : hosts)
      for (std::size_t agent = 0; agent < agents; ++agent)
        numbers.push_back(random() % 3 == 0 ? not_hosted : random() % 100);
    std::size_t next = 0;
    for (const Stretch& stretch : spread_round(agents, hosts)) {
      REQUIRE(stretch.begin == next);
      REQUIRE(stretch.count > 0);
      for (std::size_t i = 0; i < stretch.count; ++i)
        REQUIRE((stretch.process == 0 || hosts[stretch.process - 1][next + i] != not_hosted));
      next += stretch.count;
    }
    REQUIRE(next == agents);
  }
}

}  // namespace theus
