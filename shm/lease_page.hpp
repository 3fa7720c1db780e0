#pragma once

// What two processes read and write at the same time: the block table and the lease pages.
//
// The block table belongs to the owner; consumers map it read-only. An entry's word tells which generation of the block
// can be leased: block word = generation << 20 | state. A consumer that wants a block stores its lease word, fences,
// and looks at the entry again; an owner that wants to recycle one stores the next generation, fences, and looks at
// the leases. One of them sees the other (shm/lease.pml).
//
// A lease page belongs to one consumer and its owner, and to nobody else. Invariants: (1) The owner never recycles a
// block while a slot of a living consumer holds its lease word. (2) The owner trusts nothing in a lease page: words are
// compared, counters are clamped, so a consumer can harm only itself. (3) A delivery is written whole before its
// sequence number, by which the consumer knows it; it replaces the zone's number, which both know. (4) A page that the
// owner will look at no more is closed first, and looked at once more after a fence; a consumer looks whether it is
// closed after the fence that follows its lease word. So no lease is begun that nobody heeds.

#include "shm/segment_header.hpp"

#include "shm/handle.hpp"

#include <atomic>
#include <cstddef>

namespace theus::shm {

inline constexpr std::size_t cache_line_bytes = 64;

enum class BlockState : std::uint32_t {
  closed = 0,     ///< free, or being built: nobody may lease it
  published = 1,  ///< may be leased
  dirty = 2,      ///< in place, and the last writer failed: not to be trusted
};

constexpr std::uint64_t block_word(std::uint64_t generation, BlockState state) noexcept {
  return generation << block_bits | static_cast<std::uint64_t>(state);
}
constexpr BlockState state_of(std::uint64_t word) noexcept { return static_cast<BlockState>(word & (blocks_max - 1)); }

/// What a consumer needs to know of a block. Fields but `word` and `epoch` change only while it is closed.
struct alignas(cache_line_bytes) BlockEntry {
  std::atomic<std::uint64_t> word;
  std::atomic<std::uint64_t> offset;
  std::atomic<std::uint64_t> bytes;
  std::atomic<std::uint64_t> segment;
  std::atomic<std::uint64_t> description;
  /// Of blocks in place: odd while somebody writes, then even again and larger.
  std::atomic<std::uint64_t> epoch;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

struct LeasePage {
  static constexpr std::size_t granted_max = 256;
  static constexpr std::size_t acquired_max = 64;
  static constexpr std::size_t deliveries_max = 256;

  // On a line each, so that setting one slot does not wait for another.
  struct alignas(cache_line_bytes) Slot {
    std::atomic<LeaseWord> lease;
  };
  struct alignas(cache_line_bytes) Delivery {
    std::array<std::atomic<std::uint64_t>, 7> words;
    std::atomic<std::uint64_t> sequence;
  };

  alignas(cache_line_bytes) std::atomic<std::uint64_t> taken;  // by the consumer: deliveries it took
  std::atomic<std::uint32_t> sleeps;                           // by the consumer: 1 while it waits for `rings`
  std::atomic<std::uint32_t> acquired_used;                    // by the consumer: slots it ever used, only growing
  alignas(cache_line_bytes) std::atomic<std::uint32_t> rings;  // by the owner: a futex
  std::atomic<std::uint32_t> closed;                           // by the owner: 1 once nothing more may be acquired
  Slot granted[granted_max];                                   // the owner sets, the consumer clears
  Slot acquired[acquired_max];                                 // the consumer sets and clears
  Delivery deliveries[deliveries_max];                         // by the owner
};

inline constexpr std::size_t lease_file_bytes =
    (SegmentHeader::page_bytes + sizeof(LeasePage) + SegmentHeader::page_bytes - 1) / SegmentHeader::page_bytes *
    SegmentHeader::page_bytes;

}  // namespace theus::shm
