#include "shm/block_store.hpp"

#include "shm/refusal.hpp"

#include <algorithm>
#include <bit>

namespace theus::shm {

std::size_t BlockStore::class_of(std::uint64_t bytes) noexcept {
  return static_cast<std::size_t>(std::bit_width(std::max(bytes, smallest_bytes) - 1)) -
         std::bit_width(smallest_bytes - 1);
}

std::uint64_t BlockStore::capacity_for(std::uint64_t bytes) noexcept {
  if (bytes <= pooled_bytes_max)
    return bytes_of(class_of(bytes));
  constexpr std::uint64_t grain = SegmentAllocator::alignment_bytes;
  return bytes > ~std::uint64_t{0} - grain ? bytes : (bytes + grain - 1) / grain * grain;
}

Segment* BlockStore::find_segment(std::uint32_t id) noexcept {
  const auto found = std::ranges::find(segments_, id, &Segment::id);
  return found == segments_.end() ? nullptr : &*found;
}

Result<std::uint32_t> BlockStore::take_number() {
  if (!numbers_.empty()) {
    const std::uint32_t block = numbers_.back();
    numbers_.pop_back();
    return block;
  }
  if (next_block_ == places_.size())
    return no_space("there are " + std::to_string(places_.size()) + " blocks, which is the limit", 1, 0,
                    "Use fewer, larger buffers, or raise HeavyOptions::blocks_max");
  return next_block_++;
}

Result<std::uint32_t> BlockStore::take(std::uint64_t bytes) {
  if (bytes <= pooled_bytes_max) {
    auto& idle = idle_[class_of(bytes)];
    if (idle.empty())
      if (auto status = carve_slab(class_of(bytes)); !status)
        return status.error();
    const std::uint32_t block = idle.back();
    idle.pop_back();
    ++slabs_[places_[block].slab].used;
    return block;
  }
  const std::uint64_t capacity = capacity_for(bytes);
  const auto kept =
      std::ranges::find(large_idle_, capacity, [this](std::uint32_t b) { return places_[b].place.capacity; });
  if (kept != large_idle_.end()) {
    const std::uint32_t found = *kept;
    large_idle_.erase(kept);
    return found;
  }
  auto block = take_number();
  if (!block) {
    trim();
    block = take_number();
  }
  if (!block)
    return block;
  auto place = allocate(capacity);
  if (!place) {
    numbers_.push_back(*block);
    return place.error();
  }
  places_[*block] = {*place, no_slab};
  return block;
}

void BlockStore::give_back(std::uint32_t block) {
  Entry& entry = places_[block];
  if (entry.slab != no_slab) {
    --slabs_[entry.slab].used;
    idle_[class_of(entry.place.capacity)].push_back(block);
    return;
  }
  Segment* segment = entry.place.segment;
  if (!segment->is_adopted()) {
    if (large_idle_.size() == large_kept_max) {
      free_large(large_idle_.front());
      large_idle_.erase(large_idle_.begin());
    }
    large_idle_.push_back(block);
    return;
  }
  entry = {};
  numbers_.push_back(block);
  reserved_bytes_ -= segment->bytes();
  ++segment_changes_;
  std::erase_if(segments_, [segment](const Segment& each) { return &each == segment; });
}

void BlockStore::free_large(std::uint32_t block) {
  const Place place = std::exchange(places_[block], {}).place;
  numbers_.push_back(block);
  place.segment->allocator().free(place.address);
}

void BlockStore::free_kept() {
  for (const std::uint32_t block : std::exchange(large_idle_, {}))
    free_large(block);
}

void BlockStore::retire(std::uint32_t block) {
  // A pooled one keeps its memory, so its slab stays: a use every few hundred years is not worth more.
  if (places_[block].slab != no_slab)
    return;
  give_back(block);
  free_kept();
  std::erase(numbers_, block);
}

Result<std::uint32_t> BlockStore::adopt(Descriptor& file, const SegmentHeader& header) {
  if (segments_.size() == terms_.segments_max)
    return no_space("there are " + std::to_string(segments_.size()) + " segments, which is the limit", 1, 0,
                    "Let go of buffers that other processes made");
  const std::uint64_t free = terms_.reserved_bytes_max - std::min(reserved_bytes_, terms_.reserved_bytes_max);
  if (header.size > free)
    return no_space("a buffer of another process does not fit into the quota", header.size, free,
                    "Let go of others first, or raise HeavyOptions::bytes_max");
  auto block = take_number();
  if (!block)
    return block;
  auto segment = Segment::adopt(file, next_segment_, header);
  if (!segment) {
    numbers_.push_back(*block);
    return segment.error();
  }
  Segment* kept = keep(*std::move(segment));
  places_[*block] = {{kept, kept->base() + kept->header().data_offset, kept->header().data_bytes}, no_slab};
  return block;
}

Result<Segment*> BlockStore::add_segment(std::uint64_t bytes) {
  const std::uint64_t left = terms_.reserved_bytes_max - std::min(terms_.reserved_bytes_max, reserved_bytes_);
  if (segments_.size() == terms_.segments_max || bytes > left)
    return no_space("the segments of this engine are full", bytes, left,
                    "Let go of buffers, or raise HeavyOptions::bytes_max");
  const std::uint64_t wanted = std::max(bytes, std::min(next_segment_bytes_, left / 2));
  auto segment = Segment::create(terms_.source, next_segment_, wanted);
  if (!segment && wanted > bytes)
    segment = Segment::create(terms_.source, next_segment_, bytes);
  if (!segment)
    return segment.error();
  next_segment_bytes_ = std::min(next_segment_bytes_ * 2, segment_bytes_max);
  return keep(*std::move(segment));
}

Segment* BlockStore::keep(Segment segment) {
  ++next_segment_;
  ++segment_changes_;
  reserved_bytes_ += segment.bytes();
  segments_.push_back(std::move(segment));
  return &segments_.back();
}

Result<Place> BlockStore::allocate(std::uint64_t bytes) {
  // Newest first: the oldest are the fullest.
  const auto try_all = [&]() -> Place {
    for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment)
      if (!segment->is_adopted())
        if (std::byte* address = segment->allocator().allocate(bytes))
          return {&*segment, address, bytes};
    return {};
  };
  if (Place place = try_all(); place.segment != nullptr)
    return place;
  if (!large_idle_.empty()) {
    free_kept();
    if (Place place = try_all(); place.segment != nullptr)
      return place;
  }
  auto added = add_segment(bytes);
  if (!added) {
    trim();
    if (Place place = try_all(); place.segment != nullptr)
      return place;
    added = add_segment(bytes);
    if (!added)
      return added.error();
  }
  std::byte* address = (*added)->allocator().allocate(bytes);
  if (address == nullptr)
    return no_space("a new segment has no room", bytes, (*added)->allocator().free_bytes(), "Ask for less");
  return Place{*added, address, bytes};
}

Status BlockStore::carve_slab(std::size_t size_class) {
  constexpr std::uint64_t slab_bytes = std::uint64_t{64} << 10;
  constexpr std::uint64_t large_slab_blocks = 4;
  const std::uint64_t each = bytes_of(size_class);
  const std::uint64_t wanted = std::max(slab_bytes / each, each >= slab_bytes ? large_slab_blocks : 1);
  auto place = allocate(wanted * each);
  std::uint64_t count = wanted;
  if (!place) {
    count = 1;
    place = allocate(each);
    if (!place)
      return place.error();
  }
  std::uint32_t number = 0;
  if (slab_numbers_.empty()) {
    number = static_cast<std::uint32_t>(slabs_.size());
    slabs_.emplace_back();
  } else {
    number = slab_numbers_.back();
    slab_numbers_.pop_back();
  }
  slabs_[number] = {*place, 0, 0};
  // The lowest address is to be taken first, so it comes last.
  for (std::uint64_t i = count; i-- > 0;) {
    auto block = take_number();
    if (!block) {
      if (slabs_[number].blocks > 0)
        break;
      place->segment->allocator().free(place->address);
      slab_numbers_.push_back(number);
      return block.error();
    }
    places_[*block] = {{place->segment, place->address + i * each, each}, number};
    idle_[size_class].push_back(*block);
    ++slabs_[number].blocks;
  }
  return {};
}

void BlockStore::free_slab(std::uint32_t slab) {
  Slab& empty = slabs_[slab];
  for (auto& idle : idle_)
    std::erase_if(idle, [&](std::uint32_t block) {
      if (places_[block].slab != slab)
        return false;
      places_[block] = {};
      numbers_.push_back(block);
      return true;
    });
  empty.place.segment->allocator().free(empty.place.address);
  empty = {};
  slab_numbers_.push_back(slab);
}

void BlockStore::trim() {
  free_kept();
  for (std::uint32_t slab = 0; slab < slabs_.size(); ++slab)
    if (slabs_[slab].blocks > 0 && slabs_[slab].used == 0)
      free_slab(slab);
  drop_empty_segments();
}

bool BlockStore::is_sane() const {
  return std::ranges::all_of(segments_,
                             [](const Segment& each) { return each.is_adopted() || each.allocator().is_sane(); });
}

void BlockStore::drop_empty_segments() {
  for (auto segment = segments_.begin(); segment != segments_.end();) {
    if (segment->is_adopted() || !segment->allocator().is_empty()) {
      ++segment;
      continue;
    }
    reserved_bytes_ -= segment->bytes();
    ++segment_changes_;
    segment = segments_.erase(segment);
  }
}

}  // namespace theus::shm
