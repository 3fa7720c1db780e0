#include "shm/block_table.hpp"

#include "shm/segment_file.hpp"

#include <algorithm>
#include <cstring>

namespace theus::shm {
namespace {

constexpr std::uint64_t entries_at = 2 * SegmentHeader::page_bytes;
static_assert(BlockTable::segments_max * sizeof(std::uint32_t) <= SegmentHeader::page_bytes);

}  // namespace

std::uint64_t BlockTable::file_bytes(std::uint32_t blocks) noexcept {
  const std::uint64_t bytes = entries_at + std::uint64_t{blocks} * sizeof(BlockEntry);
  return (bytes + SegmentHeader::page_bytes - 1) / SegmentHeader::page_bytes * SegmentHeader::page_bytes;
}

Result<BlockTable> BlockTable::create(std::uint64_t zone, std::uint32_t blocks) {
  const std::uint64_t bytes = file_bytes(blocks);
  BlockTable table;
  table.blocks_ = blocks;
  auto file = create_memory_file("theus-blocks", bytes);
  if (!file)
    return file.error();
  table.file_ = *std::move(file);
  auto map = Mapping::map(table.file_, bytes, Mapping::Access::write);
  if (!map)
    return map.error();
  table.map_ = *std::move(map);
  SegmentHeader header = new_header();
  header.kind = SegmentKind::table;
  header.zone = zone;
  header.size = bytes;
  header.data_offset = entries_at;
  header.data_bytes = std::uint64_t{blocks} * sizeof(BlockEntry);
  header = sealed(header);
  std::memcpy(table.map_.address(), &header, sizeof header);
  if (auto status = seal_for_readers(table.file_); !status)
    return status.error();
  return table;
}

std::span<std::atomic<std::uint32_t>, BlockTable::segments_max> BlockTable::segments() noexcept {
  auto* first = reinterpret_cast<std::atomic<std::uint32_t>*>(map_.address() + SegmentHeader::page_bytes);
  return std::span<std::atomic<std::uint32_t>, segments_max>{first, segments_max};
}

Result<BlockTableView> BlockTableView::attach(const Descriptor& file) {
  auto header = read_header(file, SegmentKind::table);
  if (!header)
    return header.error();
  auto map = Mapping::map(file, header->size, Mapping::Access::read);
  if (!map)
    return map.error();
  BlockTableView view;
  view.header_ = *header;
  view.map_ = *std::move(map);
  view.entries_ = reinterpret_cast<const BlockEntry*>(view.map_.address() + header->data_offset);
  view.blocks_ = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(header->data_bytes / sizeof(BlockEntry), std::uint64_t{blocks_max}));
  return view;
}

bool BlockTableView::is_live(std::uint32_t segment) const noexcept {
  const auto* first = reinterpret_cast<const std::atomic<std::uint32_t>*>(map_.address() + SegmentHeader::page_bytes);
  return std::any_of(first, first + BlockTable::segments_max,
                     [segment](const auto& id) { return id.load(std::memory_order_acquire) == segment; });
}

}  // namespace theus::shm
