#pragma once

#include "shm/mapping.hpp"
#include "shm/segment_allocator.hpp"
#include "shm/segment_header.hpp"

#include <optional>
#include <string>

namespace theus::shm {

/// Where new segments come from.
struct SegmentSource {
  std::uint64_t zone = 0;
  /// Compatibility mode, for systems whose sandbox forbids memfds: segments are named files, which a crash leaves
  /// behind and remove_dead_segments() removes. Readers could then still shrink them; see segment_name.hpp.
  bool named = false;
  std::uint64_t engine = 0;  ///< stands in the names
};

/// A file in memory that its owner writes and others read. Belongs to one thread at a time.
class Segment {
public:
  /// A segment with room for `bytes` of data that this process divides. Refuses with no_space.
  static Result<Segment> create(const SegmentSource& source, std::uint32_t id, std::uint64_t bytes);
  /// A segment that another process made and sealed: one block, with the header that read_header() found. Takes the
  /// descriptor unless it refuses.
  static Result<Segment> adopt(Descriptor& file, std::uint32_t id, const SegmentHeader& header);
  Segment(Segment&&) noexcept = default;
  Segment& operator=(Segment&&) noexcept = default;
  /// A named one loses its name.
  ~Segment();

  std::uint32_t id() const noexcept { return id_; }
  std::uint64_t bytes() const noexcept { return map_.bytes(); }
  std::byte* base() const noexcept { return map_.address(); }
  const SegmentHeader& header() const noexcept { return header_; }
  const Descriptor& file() const noexcept { return file_; }
  /// For consumers; open for reading only where it is not sealed.
  Result<Descriptor> file_for_readers() const;

  /// REQUIRES: created, not adopted.
  SegmentAllocator& allocator() noexcept { return *allocator_; }
  const SegmentAllocator& allocator() const noexcept { return *allocator_; }
  bool is_adopted() const noexcept { return !allocator_.has_value(); }

private:
  Segment() = default;

  std::uint32_t id_ = 0;
  SegmentHeader header_;
  Descriptor file_;
  Mapping map_;
  std::optional<SegmentAllocator> allocator_;
  struct Name {
    std::string text;
    Name() = default;
    Name(Name&& other) noexcept : text(std::exchange(other.text, {})) {}
    Name& operator=(Name&& other) noexcept {
      std::swap(text, other.text);
      return *this;
    }
  } name_;
};

}  // namespace theus::shm
