#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace theus::shm {

/// Waits while the word, which processes may share, has that value, at most for so long; may return early.
void wait_on(const std::atomic<std::uint32_t>& word, std::uint32_t value, std::chrono::nanoseconds timeout) noexcept;
void wake_all(std::atomic<std::uint32_t>& word) noexcept;

}  // namespace theus::shm
