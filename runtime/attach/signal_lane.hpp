#pragma once

// Lane: how signals come from one joined process to the owner, by memory that both map. One of each side at a time.
//
// Layout (no pointers): LaneHeader | LaneSlot[capacity], record n in slot n % capacity. The joined process writes
// `produced` and slots, the owner `consumed`; both only grow, and 0 <= produced - consumed <= capacity.
//
// Invariants: (1) A slot is written only while produced - consumed < capacity, before `produced` counts it; it is read
// before `consumed` counts it. (2) The owner sets `awaited` BEFORE its last look at `produced`, the writer looks at it
// AFTER it has counted, both in the one order of sequentially consistent operations: one sees the other. (3) Neither
// side believes the other: counts that cannot be, and records that are none, end the connection, nothing else.
// A process that dies leaves whole records or nothing, and stalls nobody.

#include "runtime/mapped_pages.hpp"
#include "runtime/signal_record.hpp"

#include <optional>

namespace theus {

struct LaneHeader {
  static constexpr std::uint64_t magic_word = 0x656e616c73756854;  // "Thuslane"

  std::uint64_t magic = magic_word;
  alignas(64) std::atomic<std::uint64_t> produced{0};
  alignas(64) std::atomic<std::uint64_t> consumed{0};
  alignas(64) std::atomic<std::uint32_t> awaited{0};
};

struct alignas(128) LaneSlot {
  std::atomic<std::uint64_t> word;
  std::array<std::atomic<std::uint64_t>, payload_words_max> payload;
};

inline constexpr std::uint64_t lane_capacity = 16'384;
inline constexpr std::size_t lane_bytes = sizeof(LaneHeader) + lane_capacity * sizeof(LaneSlot);
static_assert(sizeof(LaneHeader) % alignof(LaneSlot) == 0 && (lane_capacity & (lane_capacity - 1)) == 0);

/// The owner's end, which makes the lane. Belongs to one thread.
class LaneReader {
public:
  /// Errors: resource_exhausted.
  static Result<LaneReader> make();

  int file() const noexcept { return pages_.file(); }

  /// Looks at up to `limit` records, of which the first that `take(record)` refuses stays where it is, and those behind
  /// it. `take` gets a copy. Returns how many were taken. Errors: bad_input.
  template <class Take>
  Result<std::size_t> take_up_to(std::size_t limit, const Take& take) {
    const std::uint64_t there = header().produced.load(std::memory_order_acquire) - consumed_;
    if (there > lane_capacity)
      return Error{Errc::bad_input, "join", "a joined process counts signals that it cannot have sent"};
    std::size_t taken = 0;
    for (; taken < std::min<std::uint64_t>(there, limit); ++taken) {
      const LaneSlot& slot = slots()[(consumed_ + taken) % lane_capacity];
      SignalRecord record;
      record.word = slot.word.load(std::memory_order_relaxed);
      for (std::size_t i = 0; i < record.head().payload_words(); ++i)
        record.payload[i] = slot.payload[i].load(std::memory_order_relaxed);
      if (!take(record))
        break;
    }
    consumed_ += taken;
    header().consumed.store(consumed_, std::memory_order_release);
    return taken;
  }
  bool is_empty() const noexcept { return header().produced.load(std::memory_order_relaxed) == consumed_; }
  /// True: the writer will ring for the next record. False: there is one.
  bool await() noexcept {
    header().awaited.store(1);
    return header().produced.load() == consumed_ || header().awaited.exchange(0) == 0;
  }

private:
  explicit LaneReader(MappedPages pages) noexcept : pages_(std::move(pages)) {}

  LaneHeader& header() const noexcept { return *reinterpret_cast<LaneHeader*>(pages_.bytes().data()); }
  const LaneSlot* slots() const noexcept { return reinterpret_cast<const LaneSlot*>(&header() + 1); }

  MappedPages pages_;
  std::uint64_t consumed_ = 0;
};

/// The joined process's end. Belongs to one thread at a time.
class LaneWriter {
public:
  /// Errors: bad_input.
  static Result<LaneWriter> open(const Descriptor& file);

  bool is_full() noexcept {
    if (produced_ - consumed_ < lane_capacity) [[likely]]
      return false;
    consumed_ = header().consumed.load(std::memory_order_acquire);
    return produced_ - consumed_ >= lane_capacity;
  }
  /// Whether the owner must be rung for. REQUIRES: !is_full().
  bool put(const SignalRecord& record) noexcept {
    LaneSlot& slot = slots()[produced_ % lane_capacity];
    slot.word.store(record.word, std::memory_order_relaxed);
    for (std::size_t i = 0; i < record.head().payload_words(); ++i)
      slot.payload[i].store(record.payload[i], std::memory_order_relaxed);
    header().produced.store(++produced_);
    return header().awaited.load() != 0 && header().awaited.exchange(0) != 0;
  }

private:
  explicit LaneWriter(MappedPages pages) noexcept : pages_(std::move(pages)) {}

  LaneHeader& header() const noexcept { return *reinterpret_cast<LaneHeader*>(pages_.bytes().data()); }
  LaneSlot* slots() const noexcept { return reinterpret_cast<LaneSlot*>(&header() + 1); }

  MappedPages pages_;
  std::uint64_t produced_ = 0;
  std::uint64_t consumed_ = 0;  // as it was last seen
};

}  // namespace theus
