#pragma once

// Broadcast ring: producers never wait for readers; every reader has a private cursor and learns how much it lost.
//
// Layout (any memory, no pointers, so it may be mapped by several processes; readers need no write access):
//   RingHeader    magic, layout version, slot size, capacity | tail | closed_at, each on lines of its own
//   Slot[capacity]  a 64-bit turn, then the words of one record; one or two cache lines
// Record n (dense, from 0) stands in slot n % capacity, so exactly the newest `capacity` records are kept. The turn of
// a slot is 2n+1 while record n is being written and 2n+2 when it is ready; it only grows.
//
// Invariants:
//   (1) A record is valid to a reader only if the turn was 2n+2 BEFORE and AFTER its words were copied.
//   (2) Producers are either one (a plain tail) or several (each takes tickets from the tail, then waits until the
//       slot's former record is ready). Who changes from one to several first makes sure the one is outside.
//   (3) A batch has consecutive places. (4) What a reader lost is exactly the number of places it skips.
//   (5) After close() no place is given out; closed_at is the number of records there will ever be.
// A producer preempted between taking a ticket and publishing holds up readers and, one lap later, other producers;
// hence several producers share a ring only within one process.

#include "runtime/asymmetric_fence.hpp"

#include <sched.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace theus {

/// Division by a number that is fixed at run time: exact for dividends below 2^62 and divisors below 2^32.
class Reciprocal {
public:
  explicit Reciprocal(std::uint64_t divisor) noexcept
      : divisor_(divisor),
        shift_(62 + static_cast<int>(std::bit_width(divisor - 1))),
        factor_(static_cast<std::uint64_t>((static_cast<Wide>(1) << shift_) / divisor) + 1) {}

  std::uint64_t remainder(std::uint64_t dividend) const noexcept {
    const auto quotient = static_cast<std::uint64_t>((static_cast<Wide>(dividend) * factor_) >> shift_);
    return dividend - quotient * divisor_;
  }

private:
  __extension__ typedef unsigned __int128 Wide;

  std::uint64_t divisor_;
  int shift_;
  std::uint64_t factor_;
};

struct RingHeader {
  static constexpr std::uint64_t magic_word = 0x676e697253756854;  // "ThuSring"
  static constexpr std::uint32_t layout_now = 1;
  static constexpr std::uint64_t never = ~std::uint64_t{0};
  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 63;

  std::uint64_t magic = magic_word;
  std::uint32_t layout = layout_now;
  std::uint32_t slot_bytes = 0;
  std::uint64_t capacity = 0;
  alignas(128) std::atomic<std::uint64_t> tail{0};           // written by producers
  alignas(128) std::atomic<std::uint64_t> closed_at{never};  // written once
};

enum class Poll : std::uint8_t { ready, empty, overrun };

/// A view of a ring in memory that outlives it; as cheap to copy as a few words. `slot_bytes` is 64 or 128.
template <std::size_t slot_bytes>
class BroadcastRing {
  static_assert(slot_bytes == 64 || slot_bytes == 128);

public:
  static constexpr std::size_t record_words = slot_bytes / 8 - 1;
  static constexpr std::uint64_t capacity_max = std::uint64_t{1} << 31;
  using Words = std::array<std::atomic<std::uint64_t>, record_words>;

  struct alignas(slot_bytes) Slot {
    std::atomic<std::uint64_t> turn{0};
    Words words{};
  };

  static constexpr std::size_t bytes(std::uint64_t capacity) noexcept {
    return sizeof(RingHeader) + capacity * sizeof(Slot);
  }

  /// Lays out an empty ring. REQUIRES: memory.size() >= bytes(capacity), zeroed and aligned to 128 bytes;
  /// 1 <= capacity <= capacity_max.
  static BroadcastRing create(std::span<std::byte> memory, std::uint64_t capacity) noexcept {
    auto* header = new (memory.data()) RingHeader;
    header->slot_bytes = slot_bytes;
    header->capacity = capacity;
    return BroadcastRing{header};
  }

  /// The ring in memory that another process laid out, to be read only; nothing when it is none of this layout or does
  /// not fit.
  static std::optional<BroadcastRing> open(std::span<std::byte> memory) noexcept {
    if (memory.size() < sizeof(RingHeader) ||
        reinterpret_cast<std::uintptr_t>(memory.data()) % alignof(RingHeader) != 0)
      return std::nullopt;
    auto* header = reinterpret_cast<RingHeader*>(memory.data());
    const bool known = header->magic == RingHeader::magic_word && header->layout == RingHeader::layout_now &&
                       header->slot_bytes == slot_bytes;
    if (!known || header->capacity < 1 || header->capacity > capacity_max || memory.size() < bytes(header->capacity))
      return std::nullopt;
    BroadcastRing ring{header};
    ring.is_writable_ = false;
    return ring;
  }

  /// A place and where its slot stands. Going on to the next one divides nothing.
  class Walk {
  public:
    std::uint64_t place() const noexcept { return place_; }
    /// The number of the slot, from 0.
    std::uint64_t slot() const noexcept { return slot_; }

  private:
    friend class BroadcastRing;
    Walk(std::uint64_t place, std::uint64_t slot) noexcept : place_(place), slot_(slot) {}

    std::uint64_t place_;
    std::uint64_t slot_;
  };
  Walk walk(std::uint64_t place) const noexcept { return {place, modulo_.remainder(place)}; }
  /// Some places on. REQUIRES: at most `capacity` of them.
  Walk walk_on(const Walk& at, std::uint64_t places) const noexcept {
    const std::uint64_t slot = at.slot_ + places;
    return {at.place_ + places, slot < capacity_ ? slot : slot - capacity_};
  }
  void go_on(Walk& at) const noexcept {
    ++at.place_;
    if (++at.slot_ == capacity_)
      at.slot_ = 0;
  }

  std::uint64_t capacity() const noexcept { return capacity_; }
  /// Places given out so far; the newest of them may not be ready yet.
  std::uint64_t tail() const noexcept {
    return std::min(header_->tail.load(std::memory_order_acquire) & ~RingHeader::closed_bit, closed_at());
  }
  bool is_closed() const noexcept { return closed_at() != RingHeader::never; }
  std::uint64_t closed_at() const noexcept { return header_->closed_at.load(std::memory_order_acquire); }

  // Producers: claim places, write each of them. Claiming returns the first place, or nothing when closed.

  std::optional<std::uint64_t> claim_alone(std::uint64_t count) const noexcept {
    const std::uint64_t place = header_->tail.load(std::memory_order_relaxed);
    if (place & RingHeader::closed_bit) [[unlikely]]
      return std::nullopt;
    claim_alone(place, count);
    return place;
  }
  /// As above, for who knows that the tail is `place` and the ring not closed.
  void claim_alone(std::uint64_t place, std::uint64_t count) const noexcept {
    header_->tail.store(place + count, std::memory_order_release);
  }
  std::optional<std::uint64_t> claim_shared(std::uint64_t count) const noexcept {
    const std::uint64_t place = header_->tail.fetch_add(count, std::memory_order_acq_rel);
    if (place & RingHeader::closed_bit) [[unlikely]]
      return std::nullopt;
    return place;
  }
  /// As claim_shared(), but nothing when the places would pass `limit`.
  std::optional<std::uint64_t> claim_shared_up_to(std::uint64_t count, std::uint64_t limit) const noexcept {
    std::uint64_t place = header_->tail.load(std::memory_order_relaxed);
    do {
      if (place + count > limit)  // also when the closed bit is set: no limit but `unlimited` reaches it
        return std::nullopt;
    } while (!header_->tail.compare_exchange_weak(place, place + count, std::memory_order_acq_rel));
    return place;
  }
  /// Waits, among several producers, until the former record of the slot is ready: it is being written right now.
  void await_former(std::uint64_t place) const noexcept { await_former(walk(place)); }
  void await_former(const Walk& at) const noexcept {
    const std::uint64_t former = at.place_ >= capacity_ ? ready_turn(at.place_ - capacity_) : 0;
    const Slot& slot = slots_[at.slot_];
    for (int spins = 0; slot.turn.load(std::memory_order_acquire) != former; ++spins) {
      if (spins < 64)
        pause_core();
      else
        ::sched_yield();
    }
  }
  /// The words of the slot's former record, or of none. REQUIRES: the caller owns the place.
  const Words& former_words(const Walk& at) const noexcept { return slots_[at.slot_].words; }
  /// `fill(words)` stores the record with relaxed stores. REQUIRES: the caller owns the place.
  template <class Fill>
  void write(std::uint64_t place, const Fill& fill) const noexcept {
    write(walk(place), fill);
  }
  template <class Fill>
  void write(const Walk& at, const Fill& fill) const noexcept {
    const std::uint64_t place = at.place_;
    Slot& slot = slots_[at.slot_];
    if constexpr (thread_sanitizer) {
      slot.turn.exchange(ready_turn(place) - 1);
      fill(slot.words);
      slot.turn.exchange(ready_turn(place));
      return;
    }
    slot.turn.store(ready_turn(place) - 1, std::memory_order_relaxed);
    release_fence();  // the turn is seen as busy before any new word is; pairs with the acquire fence in read()
    fill(slot.words);
    slot.turn.store(ready_turn(place), std::memory_order_release);  // pairs with the acquire in read()
  }

  /// Ends the giving out of places. REQUIRES: no producer that claims alone.
  void close() const noexcept {
    const std::uint64_t last = header_->tail.fetch_or(RingHeader::closed_bit);
    if (!(last & RingHeader::closed_bit))
      header_->closed_at.store(last);
  }

  // Readers.

  /// `copy(words)` copies the record with relaxed loads and may find any mixture of words; what it copied counts only
  /// when `ready` is returned.
  template <class Copy>
  Poll read(std::uint64_t place, const Copy& copy) const noexcept {
    return read(walk(place), copy);
  }
  template <class Copy>
  Poll read(const Walk& at, const Copy& copy) const noexcept {
    const std::uint64_t place = at.place_;
    const Slot& slot = slots_[at.slot_];
    const std::uint64_t turn = slot.turn.load(thread_sanitizer ? std::memory_order_seq_cst : std::memory_order_acquire);
    if (turn != ready_turn(place)) [[unlikely]]
      return turn < ready_turn(place) ? Poll::empty : Poll::overrun;
    copy(slot.words);
    acquire_fence();
    return holds(at) ? Poll::ready : Poll::overrun;
  }
  /// Whether the record is still there.
  bool holds(const Walk& at) const noexcept {
    Slot& slot = slots_[at.slot_];
    if (thread_sanitizer && is_writable_)
      return slot.turn.fetch_add(0) == ready_turn(at.place_);
    return slot.turn.load(std::memory_order_relaxed) == ready_turn(at.place_);
  }
  /// Where a reader that lost `place` goes on: near the oldest record, not at it, where it would be overrun at once.
  std::uint64_t resume_after_overrun(std::uint64_t place) const noexcept {
    return resume(place, capacity_ - capacity_ / 4);
  }
  /// Where it goes on when only the newest record matters.
  std::uint64_t resume_at_newest(std::uint64_t place) const noexcept { return resume(place, 1); }
  /// The oldest record that can still be there.
  std::uint64_t oldest() const noexcept {
    const std::uint64_t end = tail();
    return end > capacity_ ? end - capacity_ : 0;
  }
  /// Fetches, to be written, the slot that many places on; the last ones before the wrap are left out.
  void prefetch_to_write(const Walk& at, std::uint64_t ahead) const noexcept {
    if (at.slot_ + ahead < capacity_)
      theus::prefetch_to_write(&slots_[at.slot_ + ahead]);
  }
  void prefetch(const Walk& at, std::uint64_t ahead) const noexcept {
    if (at.slot_ + ahead < capacity_)
      __builtin_prefetch(&slots_[at.slot_ + ahead]);
  }

private:
  explicit BroadcastRing(RingHeader* header) noexcept
      : header_(header),
        slots_(reinterpret_cast<Slot*>(header + 1)),
        capacity_(header->capacity),
        modulo_(header->capacity) {}

  static constexpr std::uint64_t ready_turn(std::uint64_t place) noexcept { return 2 * place + 2; }

  std::uint64_t resume(std::uint64_t lost, std::uint64_t kept) const noexcept {
    const std::uint64_t end = tail();
    return std::max(lost + 1, end > kept ? end - kept : 0);
  }

  RingHeader* header_;
  Slot* slots_;
  std::uint64_t capacity_;
  Reciprocal modulo_;
  bool is_writable_ = true;
};

}  // namespace theus
