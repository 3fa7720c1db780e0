#include "runtime/latency_histogram.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace theus {

// Below 2^(bits + 1) each number has a bucket of its own; above, the bits after the highest tell the bucket.
std::size_t LatencyHistogram::bucket_of(std::uint64_t nanoseconds) noexcept {
  if (nanoseconds < buckets_per_power)
    return nanoseconds;
  const auto power = static_cast<std::size_t>(std::bit_width(nanoseconds)) - 1 - bits;
  return power * buckets_per_power + (nanoseconds >> power);
}

std::uint64_t LatencyHistogram::highest_of(std::size_t bucket) noexcept {
  if (bucket < 2 * buckets_per_power)
    return bucket;
  const std::size_t power = bucket / buckets_per_power - 1;
  return ((bucket % buckets_per_power + buckets_per_power + 1) << power) - 1;
}

void LatencyHistogram::add(std::chrono::nanoseconds took) noexcept {
  const auto nanoseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0));
  counts_[bucket_of(nanoseconds)].fetch_add(1, std::memory_order_relaxed);
  for (std::uint64_t max = max_.load(std::memory_order_relaxed);
       nanoseconds > max && !max_.compare_exchange_weak(max, nanoseconds, std::memory_order_relaxed);) {
  }
}

LatencySummary LatencyHistogram::summary() const noexcept {
  std::array<std::uint64_t, bucket_count> counts;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < bucket_count; ++i)
    total += counts[i] = counts_[i].load(std::memory_order_relaxed);
  const std::uint64_t max = max_.load(std::memory_order_relaxed);
  const auto quantile = [&](std::uint64_t percent) {
    // The smallest bucket at or below which that share of all lies.
    const std::uint64_t wanted = (total * percent + 99) / 100;
    std::uint64_t passed = 0;
    for (std::size_t i = 0; i < bucket_count; ++i)
      if ((passed += counts[i]) >= wanted && passed > 0)
        return std::chrono::nanoseconds{static_cast<std::int64_t>(std::min(highest_of(i), max))};
    return std::chrono::nanoseconds{0};
  };
  return {.count = total,
          .p50 = quantile(50),
          .p90 = quantile(90),
          .p99 = quantile(99),
          .max = std::chrono::nanoseconds{static_cast<std::int64_t>(max)}};
}

}  // namespace theus
