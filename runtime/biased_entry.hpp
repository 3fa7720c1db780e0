#pragma once

// A section that one thread enters without any atomic read-modify-write, until other threads want in.
//
// Invariants: (1) At most one thread holds the bias; only it is ever inside. (2) A holder marks itself inside, then
// looks at `holder` again; who takes the bias away changes `holder`, fences heavily, then waits for that mark to go:
// one sees the other. (3) Every holding has a mark of its own, so a late look of an old holder disturbs nobody.
// (4) After a few changes of hands the bias is gone for good, and callers use a way in that suits several threads.
// What is done inside is bounded and never waits, because others wait for it.

#include "runtime/asymmetric_fence.hpp"

#include <array>
#include <cstdint>
#include <mutex>
#include <utility>

namespace theus {

class BiasedEntry {
  using Mark = std::atomic<std::uint32_t>;

public:
  /// While it lives, its thread is inside; false when the thread could not enter.
  class [[nodiscard]] Inside {
  public:
    explicit Inside(Mark* mark = nullptr) noexcept : mark_(mark) {}
    Inside(Inside&& other) noexcept : mark_(std::exchange(other.mark_, nullptr)) {}
    Inside& operator=(Inside&&) = delete;
    ~Inside() {
      if (mark_ != nullptr)
        mark_->store(0, std::memory_order_release);  // pairs with the acquire in wait_for(): all done inside is seen
    }
    explicit operator bool() const noexcept { return mark_ != nullptr; }

  private:
    Mark* mark_;
  };

  explicit BiasedEntry(AsymmetricFence fence) noexcept : fence_(fence) {}

  Inside enter() noexcept {
    const std::uintptr_t holder = holder_.load(std::memory_order_relaxed);
    if ((holder & ~mark_bits) != this_thread()) [[unlikely]]
      return Inside{};
    Mark& mark = marks_[holder & mark_bits];
    if constexpr (thread_sanitizer)
      mark.exchange(1);
    else
      mark.store(1, std::memory_order_relaxed);
    fence_.light();
    Inside inside{&mark};
    if (holder_.load(dekker) != holder) [[unlikely]]
      return Inside{};
    return inside;
  }

  /// Moves the bias to the calling thread and waits until the former holder is outside. False when the bias is gone
  /// for good; then nobody is inside and nobody will be. REQUIRES: the caller is outside.
  bool take_over();

  /// Takes the bias away for good and waits until its holder is outside. REQUIRES: the caller is outside.
  void dissolve();

  bool is_gone() const noexcept { return holder_.load(std::memory_order_acquire) == gone; }

  /// Returns when what was entered before the call has been left. REQUIRES: the caller is outside.
  void wait_outside();

private:
  static constexpr std::uintptr_t mark_bits = 15;
  static constexpr std::uintptr_t holdings_max = 8;
  // No threads: those are known by the address of their control block, which is aligned to more than 16 bytes.
  static constexpr std::uintptr_t nobody = 0;
  static constexpr std::uintptr_t changing = 1;
  static constexpr std::uintptr_t gone = 2;

  static std::uintptr_t this_thread() noexcept {
    return reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer()) & ~mark_bits;
  }

  void pass_on(std::uintptr_t next);
  void wait_for(std::uintptr_t holder) noexcept;

  const AsymmetricFence fence_;
  std::mutex change_;  // guards every change of holder_, and holdings_
  std::uintptr_t holdings_ = 0;
  alignas(64) std::atomic<std::uintptr_t> holder_{nobody};  // a thread and, in the low bits, the mark of its holding
  std::array<Mark, holdings_max> marks_{};
};

}  // namespace theus
