#include "runtime/backoff.hpp"

#include <algorithm>

namespace theus {

std::chrono::microseconds backoff(int attempt, std::uint64_t seed, std::chrono::microseconds base,
                                  std::chrono::microseconds most) noexcept {
  if (attempt < 2)
    return std::chrono::microseconds{0};
  const int doublings = std::min(attempt - 2, 20);
  const std::int64_t ceiling = std::min<std::int64_t>(most.count(), base.count() << doublings);
  // SplitMix64 of seed and attempt.
  std::uint64_t x = seed + 0x9e3779b97f4a7c15ULL * static_cast<std::uint64_t>(attempt);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  x ^= x >> 31;
  return std::chrono::microseconds{static_cast<std::int64_t>(x % static_cast<std::uint64_t>(ceiling + 1))};
}

}  // namespace theus
