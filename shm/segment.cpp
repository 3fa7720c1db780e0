#include "shm/segment.hpp"

#include "shm/refusal.hpp"
#include "shm/segment_file.hpp"
#include "shm/segment_name.hpp"

#include <fcntl.h>

#include <cstring>

namespace theus::shm {

Result<Segment> Segment::create(const SegmentSource& source, std::uint32_t id, std::uint64_t bytes) {
  std::uint64_t rounded = 0;
  if (__builtin_add_overflow(bytes, SegmentHeader::page_bytes + SegmentAllocator::overhead_bytes + huge_page_bytes - 1,
                             &rounded))
    return no_space("a segment of that size does not exist", bytes, 0, "Ask for less");
  rounded = rounded / huge_page_bytes * huge_page_bytes;

  Segment segment;
  segment.id_ = id;
  if (source.named) {
    auto named = create_named_file(source.engine, id, rounded);
    if (!named)
      return named.error();
    segment.file_ = std::move(named->file);
    segment.name_.text = std::move(named->name);
  } else {
    auto file = create_memory_file("theus-heavy", rounded);
    if (!file)
      return file.error();
    segment.file_ = *std::move(file);
  }
  auto map = Mapping::map(segment.file_, rounded, Mapping::Access::write);
  if (!map)
    return map.error();
  segment.map_ = *std::move(map);
  segment.map_.want_huge_pages();
  segment.map_.populate_for_writing();

  segment.header_ = new_header();
  segment.header_.segment = id;
  segment.header_.zone = source.zone;
  segment.header_.size = rounded;
  segment.header_.data_bytes = rounded - SegmentHeader::page_bytes;
  segment.header_ = sealed(segment.header_);
  std::memcpy(segment.base(), &segment.header_, sizeof segment.header_);
  if (!source.named)
    if (auto status = seal_for_readers(segment.file_); !status)
      return status.error();
  auto allocator = SegmentAllocator::over(
      {segment.base() + SegmentHeader::page_bytes, static_cast<std::size_t>(segment.header_.data_bytes)});
  if (!allocator)
    return allocator.error();
  segment.allocator_ = *std::move(allocator);
  return segment;
}

Result<Segment> Segment::adopt(Descriptor& file, std::uint32_t id, const SegmentHeader& header) {
  auto map = Mapping::map(file, header.size, Mapping::Access::read);
  if (!map)
    return map.error();
  Segment segment;
  segment.id_ = id;
  segment.header_ = header;
  segment.file_ = std::move(file);
  segment.map_ = *std::move(map);
  return segment;
}

Segment::~Segment() {
  if (!name_.text.empty() && header_.owner_pid == ::getpid())  // and no forked child
    remove_name(name_.text);
}

Result<Descriptor> Segment::file_for_readers() const {
  const std::string path = "/proc/self/fd/" + std::to_string(file_.number());
  Descriptor reader{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!reader)
    return from_kernel("open", errno);
  return reader;
}

}  // namespace theus::shm
