#pragma once

// Memory for blocks: which segment, which offset. What a block is used for is not its business.
//
// Sizes up to pooled_bytes_max are rounded up to one of the size classes, whose blocks are carved from slabs and kept
// for the next of that class: taking one costs a pop. Larger sizes are allocated one by one; the last few that came
// back are kept for the next of exactly their size. All come from the segments' own allocators; when none has room
// there is one more segment, up to a bound.

#include "shm/segment.hpp"

#include <array>
#include <list>
#include <map>
#include <vector>

namespace theus::shm {

/// Where a block lies.
struct Place {
  Segment* segment = nullptr;
  std::byte* address = nullptr;
  std::uint64_t capacity = 0;

  std::uint64_t offset() const noexcept { return static_cast<std::uint64_t>(address - segment->base()); }
};

/// Belongs to one thread at a time.
class BlockStore {
public:
  struct Terms {
    SegmentSource source{};
    std::uint64_t reserved_bytes_max = 0;  ///< of all segments together
    std::uint32_t blocks_max = 0;
    std::size_t segments_max = 0;
  };

  explicit BlockStore(Terms terms) : terms_(terms), places_(terms.blocks_max) {}

  /// A block of at least that many bytes; its number stays its own until it is given back. Refuses with no_space.
  Result<std::uint32_t> take(std::uint64_t bytes);
  void give_back(std::uint32_t block);
  /// A block that fills a segment made by another process, whose header was read. Takes the descriptor unless it
  /// refuses, with no_space.
  Result<std::uint32_t> adopt(Descriptor& file, const SegmentHeader& header);
  /// Never to be used again: its number has no generations left.
  void retire(std::uint32_t block);

  const Place& place(std::uint32_t block) const noexcept { return places_[block].place; }
  /// What a block for that many bytes takes up.
  static std::uint64_t capacity_for(std::uint64_t bytes) noexcept;

  std::uint64_t reserved_bytes() const noexcept { return reserved_bytes_; }
  const std::list<Segment>& segments() const noexcept { return segments_; }
  Segment* find_segment(std::uint32_t id) noexcept;
  /// Differs when a segment came or went since.
  std::uint64_t segment_changes() const noexcept { return segment_changes_; }
  bool is_sane() const;
  /// Gives back what is kept for later: idle blocks, empty slabs and empty segments.
  void trim();

private:
  static constexpr std::uint64_t smallest_bytes = 64;
  static constexpr std::size_t classes = 15;  // 64 bytes to 1 MiB
  static constexpr std::uint64_t pooled_bytes_max = smallest_bytes << (classes - 1);
  static constexpr std::uint64_t first_segment_bytes = std::uint64_t{4} << 20;
  static constexpr std::uint64_t segment_bytes_max = std::uint64_t{64} << 20;
  static constexpr std::size_t large_kept_max = 8;
  static constexpr std::uint32_t no_slab = ~0U;

  struct Slab {
    Place place;
    std::uint32_t blocks = 0;
    std::uint32_t used = 0;
  };
  struct Entry {
    Place place;
    std::uint32_t slab = no_slab;
  };

  static std::size_t class_of(std::uint64_t bytes) noexcept;
  static std::uint64_t bytes_of(std::size_t size_class) noexcept { return smallest_bytes << size_class; }

  Result<std::uint32_t> take_number();
  Result<Place> allocate(std::uint64_t bytes);
  Result<Segment*> add_segment(std::uint64_t bytes);
  Status carve_slab(std::size_t size_class);
  void free_slab(std::uint32_t slab);
  Segment* keep(Segment segment);
  void free_large(std::uint32_t block);
  void free_kept();
  void drop_empty_segments();

  const Terms terms_;
  std::list<Segment> segments_;  // newest last; a list, so that places stay valid
  std::uint32_t next_segment_ = 1;
  std::uint64_t segment_changes_ = 0;
  std::uint64_t reserved_bytes_ = 0;
  std::uint64_t next_segment_bytes_ = first_segment_bytes;

  std::vector<Entry> places_;
  std::uint32_t next_block_ = 0;                          // numbers from here on were never used
  std::vector<std::uint32_t> numbers_;                    // numbers of blocks that have no memory
  std::array<std::vector<std::uint32_t>, classes> idle_;  // blocks that have memory and no use
  std::vector<std::uint32_t> large_idle_;                 // the same, of sizes beyond the classes; oldest first
  std::vector<Slab> slabs_;
  std::vector<std::uint32_t> slab_numbers_;  // unused places in slabs_
};

}  // namespace theus::shm
