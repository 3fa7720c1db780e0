#pragma once

#include <theus/result.hpp>

#include <cstddef>
#include <memory>
#include <span>

namespace theus::shm {

/// Gives out pieces of a memory that only this process writes; what it keeps about them stands within that memory.
/// Belongs to one thread at a time. The memory must outlive it.
class SegmentAllocator {
public:
  /// Every piece begins at a multiple of this.
  static constexpr std::size_t alignment_bytes = 64;
  /// What a segment needs beyond the pieces themselves, at most, for one piece.
  static constexpr std::size_t overhead_bytes = 4096;

  static Result<SegmentAllocator> over(std::span<std::byte> memory);
  SegmentAllocator(SegmentAllocator&&) noexcept;
  SegmentAllocator& operator=(SegmentAllocator&&) noexcept;
  ~SegmentAllocator();

  /// nullptr when there is no such piece.
  std::byte* allocate(std::size_t bytes) noexcept;
  void free(std::byte* piece) noexcept;

  std::size_t free_bytes() const noexcept;
  bool is_empty() const noexcept;
  /// Whether its own data are whole; walks through all of them.
  bool is_sane() const noexcept;

private:
  struct Buffer;
  explicit SegmentAllocator(std::unique_ptr<Buffer> buffer) noexcept;

  std::unique_ptr<Buffer> buffer_;
};

}  // namespace theus::shm
