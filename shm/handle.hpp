#pragma once

// The eight words of a HeavyRef, lowest bits first:
//
//   0  segment:32 | slot:16 | type:8 | dimensions:4 | flags:4      4..6  extents 1 to 3
//   1  block:20 | generation:44, the lease word                    7     zone: a random number of the owning zone
//   2  bytes                                                       The slot is 0 but in what a Lease was granted by.
//   3  extent 0
//
// Invariants of what decode() lets pass: type and flags are known; the product of the extents is `bytes`; extents
// beyond the dimensions are 0; the generation is at least 1, so a lease word is never 0.

#include <theus/heavy_shape.hpp>
#include <theus/value.hpp>

namespace theus::shm {

inline constexpr unsigned block_bits = 20;
inline constexpr std::uint32_t blocks_max = 1U << block_bits;
inline constexpr std::uint64_t generation_max = (std::uint64_t{1} << (64 - block_bits)) - 1;

/// Which use of which block: block:20 | generation:44. 0 is no lease.
using LeaseWord = std::uint64_t;

constexpr LeaseWord lease_word(std::uint32_t block, std::uint64_t generation) noexcept {
  return generation << block_bits | block;
}
constexpr std::uint32_t block_of(LeaseWord word) noexcept {
  return static_cast<std::uint32_t>(word & (blocks_max - 1));
}
constexpr std::uint64_t generation_of(LeaseWord word) noexcept { return word >> block_bits; }

struct Handle {
  static constexpr std::uint8_t in_place = 1;  ///< flag: may change after its publication; see BlockEntry::epoch

  std::uint32_t segment = 0;
  std::uint16_t slot = 0;
  HeavyType type = HeavyType::u8;
  std::uint8_t flags = 0;
  LeaseWord lease = 0;
  std::uint64_t bytes = 0;
  HeavyShape shape;
  std::uint64_t zone = 0;

  std::uint32_t block() const noexcept { return block_of(lease); }
  std::uint64_t generation() const noexcept { return generation_of(lease); }
  bool is_in_place() const noexcept { return (flags & in_place) != 0; }

  friend bool operator==(const Handle&, const Handle&) = default;
};

HeavyRef encode(const Handle& handle) noexcept;
/// What the words say, unchecked: a shape without dimensions where they say too many.
Handle parts_of(const HeavyRef& ref) noexcept;
/// Refuses (bad_handle) whatever encode() cannot have made.
Result<Handle> decode(const HeavyRef& ref);

/// As it would be without the grant that it may tell of.
constexpr HeavyRef without_slot(HeavyRef ref) noexcept {
  ref.words[0] &= ~(std::uint64_t{0xffff} << 32);
  return ref;
}

/// Type, flags and shape in one number, by which a block's entry and a handle are compared.
std::uint64_t description_of(const HeavyRef& ref) noexcept;

}  // namespace theus::shm
