#pragma once

// A store-load fence whose price is paid by the rare side only.
//
// Two threads that each store one thing and then load the other's must not both miss the other's store (Dekker). One
// side is frequent (a publisher, a receiver), the other rare (going to sleep, reclaiming memory, taking over a bias):
//   frequent side:  store; light(); load          light() stops the compiler only
//   rare side:      store; heavy(); load          heavy() makes every running thread of this process fence
// Linux's membarrier does the latter. Where it is missing both are full fences. ThreadSanitizer does not model fences:
// under it neither does anything, and the stores and loads on both sides must be sequentially consistent; `dekker`
// is the memory order to give them.

#include <atomic>

#if defined(__SANITIZE_THREAD__)
#define THEUS_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THEUS_THREAD_SANITIZER 1
#endif
#endif
#ifndef THEUS_THREAD_SANITIZER
#define THEUS_THREAD_SANITIZER 0
#endif

namespace theus {

inline constexpr bool thread_sanitizer = THEUS_THREAD_SANITIZER != 0;

/// The order of the stores before and the loads after a light or heavy fence.
inline constexpr std::memory_order dekker = thread_sanitizer ? std::memory_order_seq_cst : std::memory_order_relaxed;

inline void release_fence() noexcept {
#if !THEUS_THREAD_SANITIZER
  std::atomic_thread_fence(std::memory_order_release);
#endif
}

inline void acquire_fence() noexcept {
#if !THEUS_THREAD_SANITIZER
  std::atomic_thread_fence(std::memory_order_acquire);
#endif
}

/// Cheap to copy; every holder of one may fence against every other. Thread-safe.
class AsymmetricFence {
public:
  /// Registers this process with the kernel, which is idempotent.
  AsymmetricFence() noexcept;
  /// For tests: the portable fences, whatever the kernel offers.
  static AsymmetricFence symmetric() noexcept { return AsymmetricFence{false}; }

  void light() const noexcept {
#if !THEUS_THREAD_SANITIZER
    if (asymmetric_) [[likely]]
      std::atomic_signal_fence(std::memory_order_seq_cst);
    else
      std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
  }

  void heavy() const noexcept;

private:
  explicit AsymmetricFence(bool asymmetric) noexcept : asymmetric_(asymmetric) {}

  bool asymmetric_;
};

/// Tells the core that this is a busy wait.
inline void pause_core() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#else
  std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
}

/// Asks for the line as its only holder, which __builtin_prefetch does only for newer processors than the least.
inline void prefetch_to_write(const void* line) noexcept {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(line)));
#else
  __builtin_prefetch(line, 1);
#endif
}

}  // namespace theus
