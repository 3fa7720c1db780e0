#include "runtime/latency_histogram.hpp"

#include <catch2/catch.hpp>

#include <thread>
#include <vector>

namespace theus {
namespace {

using std::chrono::nanoseconds;

TEST_CASE("an empty histogram tells of nothing", "[latency_histogram]") {
  const LatencySummary none = LatencyHistogram{}.summary();
  CHECK(none.count == 0);
  CHECK(none.p50.count() == 0);
  CHECK(none.max.count() == 0);
}

TEST_CASE("a quantile is at least what was measured and at most a sixteenth more", "[latency_histogram]") {
  for (std::int64_t exact = 1; exact < std::int64_t{1} << 60; exact = exact * 3 / 2 + 1) {
    LatencyHistogram histogram;
    histogram.add(nanoseconds{exact});
    histogram.add(nanoseconds{exact});
    histogram.add(nanoseconds::max());
    const auto told = histogram.summary().p50.count();
    CHECK(told >= exact);
    CHECK(told - exact <= exact / 16);
  }
}

TEST_CASE("quantiles split a thousand times where they should", "[latency_histogram]") {
  LatencyHistogram histogram;
  for (int i = 1; i <= 1000; ++i)
    histogram.add(nanoseconds{i * 1000});
  const LatencySummary told = histogram.summary();
  CHECK(told.count == 1000);
  CHECK(told.p50.count() == Approx(500'000).epsilon(0.0626));
  CHECK(told.p90.count() == Approx(900'000).epsilon(0.0626));
  CHECK(told.p99.count() == Approx(990'000).epsilon(0.0626));
  CHECK(told.max == nanoseconds{1'000'000});
}

TEST_CASE("a time below zero counts as none, and the longest has a bucket", "[latency_histogram]") {
  LatencyHistogram histogram;
  histogram.add(nanoseconds{-5});
  CHECK(histogram.summary().max.count() == 0);
  histogram.add(nanoseconds::max());
  CHECK(histogram.summary().p99 == nanoseconds::max());
}

TEST_CASE("times added by several threads are all counted", "[latency_histogram]") {
  LatencyHistogram histogram;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i)
        histogram.add(nanoseconds{i});
    });
  threads.clear();
  CHECK(histogram.summary().count == 40'000);
  CHECK(histogram.summary().max == nanoseconds{9999});
}

}  // namespace
}  // namespace theus
