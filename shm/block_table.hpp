#pragma once

#include "shm/lease_page.hpp"
#include "shm/mapping.hpp"

#include <cassert>
#include <span>

namespace theus::shm {

/// The owner's side of the block table: it alone writes the entries that consumers read. A block's entry is changed by
/// whoever owns the block at that moment, so different threads may change different blocks.
class BlockTable {
public:
  /// How many segments can live at a time.
  static constexpr std::size_t segments_max = 256;

  static Result<BlockTable> create(std::uint64_t zone, std::uint32_t blocks);

  std::uint32_t size() const noexcept { return blocks_; }
  BlockEntry& operator[](std::uint32_t block) noexcept {
    assert(block < blocks_);
    return entries()[block];
  }
  const BlockEntry& operator[](std::uint32_t block) const noexcept {
    assert(block < blocks_);
    return entries()[block];
  }
  /// The ids of the segments that live, 0 for none, so that consumers can let go of others.
  std::span<std::atomic<std::uint32_t>, segments_max> segments() noexcept;

  /// For consumers, who can only read it.
  const Descriptor& file() const noexcept { return file_; }

  static std::uint64_t file_bytes(std::uint32_t blocks) noexcept;

private:
  BlockEntry* entries() const noexcept {
    return reinterpret_cast<BlockEntry*>(map_.address() + 2 * SegmentHeader::page_bytes);
  }

  Descriptor file_;
  Mapping map_;
  std::uint32_t blocks_ = 0;
};

/// A consumer's side: a read-only mapping of another process's table, checked before it was mapped.
class BlockTableView {
public:
  static Result<BlockTableView> attach(const Descriptor& file);

  const SegmentHeader& header() const noexcept { return header_; }
  /// nullptr when there is no such block.
  const BlockEntry* find(std::uint32_t block) const noexcept { return block < blocks_ ? entries_ + block : nullptr; }
  bool is_live(std::uint32_t segment) const noexcept;

private:
  SegmentHeader header_;
  Mapping map_;
  const BlockEntry* entries_ = nullptr;
  std::uint32_t blocks_ = 0;
};

}  // namespace theus::shm
