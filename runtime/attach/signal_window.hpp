#pragma once

#include "runtime/mapped_pages.hpp"
#include "runtime/signal_copied_run.hpp"

#include <theus/version.hpp>

namespace theus {

/// A cursor in the ring of a hub in another process, whose memory is mapped here to be read. Writes nothing there.
/// Belongs to one thread.
class SignalWindow {
public:
  /// Errors: bad_input, when the file is no ring of this layout.
  static Result<SignalWindow> open(const Descriptor& memory, std::uint64_t place);

  std::uint64_t place() const noexcept { return at_.place(); }
  void go_to(std::uint64_t place) noexcept { at_ = ring_.walk(place); }

  /// Looks at what stands some places on: its word 0, and its version or 0.
  Poll peek(std::uint64_t ahead, std::uint64_t& word, Version& version) const noexcept {
    const auto at = ring_.walk_on(at_, ahead);
    ring_.prefetch(at, lines_ahead);
    if (at.slot() + lines_ahead < ring_.capacity())
      __builtin_prefetch(&second_lines_[at.slot() + lines_ahead]);
    return ring_.read(at, [&](const SignalRing::Words& slot) {
      word = slot[0].load(std::memory_order_relaxed);
      version = SignalHead::of(word).has_version ? slot[1].load(std::memory_order_relaxed) : 0;
    });
  }
  /// What stands from here on, with these words 0.
  CopiedRun run(std::span<const std::uint64_t> heads) const noexcept { return {ring_, second_lines_, at_, heads}; }
  void go_on(std::uint64_t places) noexcept { at_ = ring_.walk_on(at_, places); }
  std::uint64_t capacity() const noexcept { return ring_.capacity(); }
  /// Goes on after an overrun and tells how many were lost.
  std::uint64_t skip_lost() noexcept {
    const std::uint64_t lost = at_.place();
    go_to(ring_.resume_after_overrun(lost));
    return at_.place() - lost;
  }

private:
  static constexpr std::uint64_t lines_ahead = 8;

  SignalWindow(MappedPages pages, SignalRing ring, std::uint64_t place) noexcept;

  MappedPages pages_;
  SignalRing ring_;
  const SecondLine* second_lines_;
  SignalRing::Walk at_;
};

}  // namespace theus
