#include "shm/sealed_buffer.hpp"

#include "shm/refusal.hpp"
#include "shm/segment_file.hpp"
#include "shm/segment_header.hpp"

#include <cstring>

namespace theus::shm {

Result<SealedBuffer> SealedBuffer::create(std::uint64_t bytes) {
  constexpr std::uint64_t page = SegmentHeader::page_bytes;
  std::uint64_t size = 0;
  if (bytes == 0 || __builtin_add_overflow(bytes, 2 * page - 1, &size))
    return no_space("a buffer of that size does not exist", bytes, 0, "Ask for at least one byte, and for less");
  size = size / page * page;
  SealedBuffer buffer;
  auto file = create_memory_file("theus-buffer", size);
  if (!file)
    return file.error();
  buffer.file_ = *std::move(file);
  auto map = Mapping::map(buffer.file_, size, Mapping::Access::write);
  if (!map)
    return map.error();
  buffer.map_ = *std::move(map);
  SegmentHeader header = new_header();
  header.kind = SegmentKind::single;
  header.zone = header.uuid[0] | 1;  // of no zone, but never 0
  header.size = size;
  header.data_bytes = bytes;
  header = sealed(header);
  std::memcpy(buffer.map_->address(), &header, sizeof header);
  buffer.bytes_ = {buffer.map_->address() + page, static_cast<std::size_t>(bytes)};
  return buffer;
}

Result<Descriptor> SealedBuffer::seal() && {
  bytes_ = {};
  map_.reset();
  if (auto status = seal_for_everybody(file_); !status)
    return status.error();
  return std::move(file_);
}

}  // namespace theus::shm
