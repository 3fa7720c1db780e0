#pragma once

#include <chrono>
#include <cstdint>

namespace theus {

/// How long to wait before attempt `attempt` (2 is the first repetition): uniformly between 0 and
/// base * 2^(attempt - 2), at most `most` ("full jitter", M. Brooker, Exponential Backoff And Jitter, 2015).
/// The same seed and attempt give the same wait.
std::chrono::microseconds backoff(int attempt, std::uint64_t seed,
                                  std::chrono::microseconds base = std::chrono::microseconds{50},
                                  std::chrono::microseconds most = std::chrono::milliseconds{20}) noexcept;

}  // namespace theus
