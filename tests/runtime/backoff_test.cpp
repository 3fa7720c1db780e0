#include "runtime/backoff.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <vector>

namespace theus {
namespace {

using std::chrono::microseconds;

/// The waits of many seeds before that attempt, ascending.
std::vector<microseconds> waits(int attempt) {
  std::vector<microseconds> all;
  for (std::uint64_t seed = 0; seed < 2000; ++seed)
    all.push_back(backoff(attempt, seed * 7919));
  std::ranges::sort(all);
  return all;
}

TEST_CASE("waits before a repetition grow with the attempts, up to a bound", "[backoff]") {
  CHECK(waits(1).back() == microseconds{0});
  microseconds median{0};
  for (int attempt = 2; attempt <= 10; ++attempt) {
    const auto all = waits(attempt);
    INFO("attempt " << attempt);
    CHECK(all[all.size() / 2] > median);
    CHECK(all.back() <= microseconds{50 << (attempt - 2)});
    median = all[all.size() / 2];
  }
  for (const int attempt : {12, 30, 1'000'000})
    CHECK(waits(attempt).back() <= microseconds{20'000});
}

TEST_CASE("waits before a repetition are spread over all of their range and differ between seeds", "[backoff]") {
  const auto all = waits(9);
  const microseconds most{50 << 7};
  CHECK(all.front() < most / 20);
  CHECK(all.back() > most - most / 20);
  CHECK(std::set(all.begin(), all.end()).size() > 1000);
  CHECK(backoff(9, 5) == backoff(9, 5));
}

}  // namespace
}  // namespace theus
