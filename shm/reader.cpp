#include "shm/reader.hpp"

#include "shm/futex.hpp"
#include "shm/refusal.hpp"

#include <cstring>

namespace theus::shm {

Lease::~Lease() {
  if (slot_ != nullptr)
    reader_->released(*slot_);
}

std::uint64_t Lease::epoch() const noexcept {
  std::atomic_thread_fence(std::memory_order_acquire);  // what was read before this is read before the epoch
  return entry_->epoch.load(std::memory_order_acquire);
}

bool Lease::is_dirty() const noexcept {
  return state_of(entry_->word.load(std::memory_order_acquire)) == BlockState::dirty;
}

Result<Reader> Reader::attach(const Descriptor& table, const Descriptor& leases) {
  auto view = BlockTableView::attach(table);
  if (!view)
    return view.error();
  const auto header = read_header(leases, SegmentKind::leases);
  if (!header)
    return header.error();
  if (header->size != lease_file_bytes || header->zone != view->header().zone)
    return bad_handle("the lease page is of another zone");
  auto map = Mapping::map(leases, header->size, Mapping::Access::write);
  if (!map)
    return map.error();
  Reader reader;
  reader.table_ = *std::move(view);
  reader.leases_ = *std::move(map);
  for (std::uint32_t slot = LeasePage::acquired_max; slot-- > 0;)
    reader.idle_.push_back(slot);
  return reader;
}

Status Reader::attach_segment(std::uint32_t id, const Descriptor& file) {
  auto header = read_header(file, SegmentKind::pool);
  if (header && (header->segment != id || header->zone != zone()))
    return bad_handle("the segment is of another zone");
  if (!header)  // then perhaps one that another process made for the owner
    header = read_header(file, SegmentKind::single);
  if (!header)
    return header.error();
  auto map = Mapping::map(file, header->size, Mapping::Access::read);
  if (!map)
    return map.error();
  segments_.insert_or_assign(id, *std::move(map));
  last_segment_ = 0;
  return {};
}

void Reader::drop_dead_segments() {
  std::erase_if(segments_, [this](const auto& each) { return !table_.is_live(each.first); });
  last_segment_ = 0;
}

Status Reader::admit(const Handle& handle) const {
  if (is_orphaned_)
    return heavy_lost("the process that owned the buffer has ended");
  if (handle.zone != zone())
    return heavy_lost("the handle is of another engine, or of an earlier run of this one");
  return {};
}

Result<std::span<const std::byte>> Reader::find(std::uint32_t id, std::uint64_t offset, std::uint64_t bytes) const {
  if (id != last_segment_) {
    const auto found = segments_.find(id);
    if (found == segments_.end())
      return bad_handle("segment " + std::to_string(id) + " is not attached").with("segment", id);
    last_segment_ = id;
    last_bytes_ = {found->second.address(), found->second.bytes()};
  }
  std::uint64_t end = 0;
  if (offset < SegmentHeader::page_bytes || __builtin_add_overflow(offset, bytes, &end) || end > last_bytes_.size())
    return bad_handle("it leads out of its segment");
  return last_bytes_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(bytes));
}

Status Reader::compare(const HeavyRef& ref, const Handle& handle, const BlockEntry& entry) const {
  const std::uint64_t word = entry.word.load(std::memory_order_acquire);  // pairs with the release in publish()
  if (word != block_word(handle.generation(), BlockState::published)) {
    const std::uint64_t now = generation_of(word);
    if (now == handle.generation() && state_of(word) == BlockState::dirty)
      return Error{Errc::heavy_dirty, "heavy zone", "whoever last wrote this buffer in place failed midway",
                   "Read another buffer, or wait until it is written anew"};
    return handle.generation() < now || now == generation_max
               ? expired_handle()
               : bad_handle("it names a buffer that was never published so");
  }
  if (entry.bytes.load(std::memory_order_relaxed) != handle.bytes ||
      entry.segment.load(std::memory_order_relaxed) != handle.segment ||
      entry.description.load(std::memory_order_relaxed) != description_of(ref))
    return bad_handle("it does not describe the buffer that it names");
  return {};
}

Result<Lease> Reader::acquire(const HeavyRef& ref) {
  const auto handle = decode(ref);
  if (!handle)
    return handle.error();
  if (auto status = admit(*handle); !status)
    return status.error();
  const BlockEntry* entry = table_.find(handle->block());
  if (entry == nullptr)
    return bad_handle("there is no such block");
  if (idle_.empty())
    return Error{Errc::overloaded, "heavy zone",
                 std::to_string(LeasePage::acquired_max) + " buffers are being read, which is the limit",
                 "Let go of some first"}
        .with("limit", LeasePage::acquired_max);
  const std::uint32_t index = idle_.back();
  if (index >= page().acquired_used.load(std::memory_order_relaxed))
    page().acquired_used.store(index + 1, std::memory_order_release);
  LeasePage::Slot& slot = page().acquired[index];
  slot.lease.store(handle->lease, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with the one in Arena::recycle()
  Status fits =
      page().closed.load(std::memory_order_relaxed) == 0
          ? compare(ref, *handle, *entry)
          : Status{Error{Errc::peer_down, "heavy zone", "the engine has let go of this process", "Join it again"}};
  if (fits) {
    auto bytes = find(handle->segment, entry->offset.load(std::memory_order_relaxed), handle->bytes);
    if (bytes) {
      idle_.pop_back();
      return Lease{*this, slot, *handle, *bytes, entry};
    }
    fits = bytes.error();
  }
  slot.lease.store(0, std::memory_order_release);
  return fits.error();
}

Result<Lease> Reader::take(const HeavyRef& granted) {
  const auto handle = decode(granted);
  if (!handle)
    return handle.error();
  if (auto status = admit(*handle); !status)
    return status.error();
  const BlockEntry* entry = table_.find(handle->block());
  if (entry == nullptr || handle->slot == 0 || handle->slot >= LeasePage::granted_max)
    return bad_handle("it was not granted to this process");
  LeasePage::Slot& slot = page().granted[handle->slot];
  if (slot.lease.load(std::memory_order_acquire) != handle->lease)  // pairs with the release in LeaseDesk::grant()
    return bad_handle("it was not granted to this process, or it was taken before");
  if (auto status = compare(without_slot(granted), *handle, *entry); !status)
    return status.error();
  auto bytes = find(handle->segment, entry->offset.load(std::memory_order_relaxed), handle->bytes);
  if (!bytes)
    return bytes.error();
  return Lease{*this, slot, *handle, *bytes, entry};
}

bool Reader::has_delivery() const noexcept {
  return page().deliveries[taken_ % LeasePage::deliveries_max].sequence.load(std::memory_order_acquire) == taken_ + 1;
}

Result<std::optional<Lease>> Reader::try_take() {
  if (!has_delivery())
    return std::optional<Lease>{};
  const LeasePage::Delivery& delivery = page().deliveries[taken_ % LeasePage::deliveries_max];
  HeavyRef ref;
  for (std::size_t i = 0; i < delivery.words.size(); ++i)
    ref.words[i] = delivery.words[i].load(std::memory_order_relaxed);
  const std::uint64_t offset = ref.words[2];
  Handle handle = parts_of(ref);
  handle.zone = zone();
  const auto bytes_wanted = handle.shape.bytes(handle.type);
  const BlockEntry* entry = table_.find(handle.block());
  if (!bytes_wanted || entry == nullptr || handle.slot == 0 || handle.slot >= LeasePage::granted_max) {
    ++taken_;
    return bad_handle("a delivery is damaged");
  }
  handle.bytes = *bytes_wanted;
  auto bytes = find(handle.segment, offset, handle.bytes);
  if (!bytes) {
    if (bytes.error().field("segment") == nullptr)
      ++taken_;
    return bytes.error();
  }
  ++taken_;
  return std::optional<Lease>{Lease{*this, page().granted[handle.slot], handle, *bytes, entry}};
}

bool Reader::wait(std::chrono::nanoseconds timeout) {
  constexpr int spins = 2000;
  for (int i = 0; i < spins; ++i) {
    if (has_delivery())
      return true;
    __builtin_ia32_pause();
  }
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!has_delivery()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds{0})
      return false;
    const std::uint32_t rings = page().rings.load();
    page().sleeps.store(1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with the one in LeaseDesk::deliver()
    if (!has_delivery())
      wait_on(page().rings, rings, left);
    page().sleeps.store(0, std::memory_order_relaxed);
  }
  return true;
}

void Reader::released(LeasePage::Slot& slot) noexcept {
  slot.lease.store(0, std::memory_order_release);  // pairs with the acquires in LeaseDesk: reads come before
  if (&slot >= page().acquired && &slot < page().acquired + LeasePage::acquired_max)
    idle_.push_back(static_cast<std::uint32_t>(&slot - page().acquired));
}

}  // namespace theus::shm
