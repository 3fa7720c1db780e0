#pragma once

#include <theus/statistics.hpp>

#include <array>
#include <atomic>

namespace theus {

/// Counts times by size: sixteen buckets for each power of two nanoseconds, so a quantile is at most 1/16 too high. The
/// buckets of HdrHistogram (hdrhistogram.org) with four significant bits. Thread-safe; 8 KiB.
class LatencyHistogram {
public:
  void add(std::chrono::nanoseconds took) noexcept;
  LatencySummary summary() const noexcept;

private:
  static constexpr unsigned bits = 4;
  static constexpr std::size_t buckets_per_power = std::size_t{1} << bits;
  static constexpr std::size_t bucket_count = (64 - bits) * buckets_per_power;

  static std::size_t bucket_of(std::uint64_t nanoseconds) noexcept;
  static std::uint64_t highest_of(std::size_t bucket) noexcept;

  std::array<std::atomic<std::uint64_t>, bucket_count> counts_{};
  std::atomic<std::uint64_t> max_{0};
};

}  // namespace theus
