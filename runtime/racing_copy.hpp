#pragma once

// Copies of words that another thread may be writing, or reading, at the same moment. What is copied counts only once a
// turn or sequence around it says so; until then any mixture of old and new words is allowed, but no other.
//
// Two words at a time: the compiler may not join relaxed atomic accesses, though the processor has an instruction for
// two of them, which copies a record in half the time. C++ has no such access (P1478 proposes one), so where there is
// an instruction it is named, and everywhere else, and under ThreadSanitizer, it is two atomic accesses.
// Either way the accesses stay on their side of the fences around them.

#include "runtime/asymmetric_fence.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__) && !THEUS_THREAD_SANITIZER
#include <emmintrin.h>
#endif

namespace theus {

inline constexpr std::size_t pair_bytes = 16;

/// Copies words[0] and words[1] to `to`, which is the caller's own.
[[gnu::always_inline]] inline void read_pair(const std::atomic<std::uint64_t>* words, void* to) noexcept {
#if defined(__SSE2__) && !THEUS_THREAD_SANITIZER
  __m128i pair;
  asm volatile("movdqu %1, %0" : "=x"(pair) : "m"(*reinterpret_cast<const std::byte(*)[pair_bytes]>(words)));
  std::memcpy(to, &pair, pair_bytes);
#else
  for (int i = 0; i < 2; ++i) {
    const std::uint64_t word = words[i].load(std::memory_order_relaxed);
    std::memcpy(static_cast<std::byte*>(to) + 8 * i, &word, sizeof word);
  }
#endif
}

/// Copies 16 bytes of the caller's own to words[0] and words[1].
[[gnu::always_inline]] inline void write_pair(std::atomic<std::uint64_t>* words, const void* from) noexcept {
#if defined(__SSE2__) && !THEUS_THREAD_SANITIZER
  __m128i pair;
  std::memcpy(&pair, from, pair_bytes);
  asm volatile("movdqu %1, %0" : "=m"(*reinterpret_cast<std::byte(*)[pair_bytes]>(words)) : "x"(pair));
#else
  for (int i = 0; i < 2; ++i) {
    std::uint64_t word;
    std::memcpy(&word, static_cast<const std::byte*>(from) + 8 * i, sizeof word);
    words[i].store(word, std::memory_order_relaxed);
  }
#endif
}

}  // namespace theus
