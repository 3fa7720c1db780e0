#pragma once

#include "runtime/signal_record.hpp"

namespace theus {

/// Records to be written at consecutive places that stand at consecutive places of another hub's ring, which may be
/// another process's: copied from line to line, in whatever order that one's producers overwrite them. What was
/// overwritten meanwhile, or is none that could have been written, is told as one lost event in its place.
struct CopiedRun {
  const SignalRing& from;
  const SecondLine* from_second_lines;
  SignalRing::Walk first;
  /// Word 0 of each as it is to be here: with a topic of this hub. REQUIRES: neither large nor gaps; at most as many as
  /// either ring has places.
  std::span<const std::uint64_t> heads;

  const CopiedRun& all() const noexcept { return *this; }
  std::size_t size() const noexcept { return heads.size(); }
  std::uint32_t topic(std::size_t i) const noexcept { return SignalHead::topic_of(heads[i]); }
  bool uses_second_line(std::size_t i) const noexcept { return words(i) > SignalRing::record_words; }

  void write(std::size_t i, const WritableWords& to) const noexcept {
    const auto at = from.walk_on(first, i);
    const Poll poll = from.read(at, [&](const SignalRing::Words& slot) {
      to.copy(ReadableWords{slot, from_second_lines[at.slot()]}, words(i));
    });
    if (poll != Poll::ready || !is_sound(i, to)) [[unlikely]] {
      to.at(0).store(SignalHead{.form = PayloadForm::gap, .bytes = sizeof(std::uint64_t)}.word(),
                     std::memory_order_relaxed);
      to.at(1).store(1, std::memory_order_relaxed);
      return;
    }
    to.at(0).store(heads[i], std::memory_order_relaxed);
  }

private:
  std::size_t words(std::size_t i) const noexcept {
    const auto head = SignalHead::of(heads[i]);
    return 1 + std::size_t{head.has_version} + head.payload_words();
  }
  bool is_sound(std::size_t i, const WritableWords& copied) const noexcept {
    const auto head = SignalHead::of(heads[i]);
    if (head.bytes > payload_bytes_inline_max)
      return false;
    if (head.form == PayloadForm::bytes)
      return true;
    std::array<std::uint64_t, payload_words_max> payload;
    copied.for_each(head.has_version ? 2 : 1, head.payload_words(),
                    [&](const auto& word, std::size_t at) { payload[at] = word.load(std::memory_order_relaxed); });
    return is_packed(std::as_bytes(std::span{payload}).first(head.bytes));
  }
};

}  // namespace theus
