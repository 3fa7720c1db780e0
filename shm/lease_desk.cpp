#include "shm/lease_desk.hpp"

#include "shm/futex.hpp"
#include "shm/refusal.hpp"
#include "shm/segment_file.hpp"

#include <algorithm>
#include <cstring>

namespace theus::shm {

Result<LeaseDesk> LeaseDesk::open(const ProcessIdentity& consumer, std::uint64_t zone) {
  LeaseDesk desk;
  desk.consumer_ = consumer;
  desk.watched_ = watch_process(consumer);
  if (!desk.watched_)
    return Error{Errc::peer_down, "heavy zone", "process " + std::to_string(consumer.pid) + " has ended",
                 "Join again from a living process"};
  auto file = create_memory_file("theus-leases", lease_file_bytes);
  if (!file)
    return file.error();
  desk.file_ = *std::move(file);
  auto map = Mapping::map(desk.file_, lease_file_bytes, Mapping::Access::write);
  if (!map)
    return map.error();
  desk.map_ = *std::move(map);
  SegmentHeader header = new_header();
  header.kind = SegmentKind::leases;
  header.zone = zone;
  header.size = lease_file_bytes;
  header.data_bytes = sizeof(LeasePage);
  header = sealed(header);
  std::memcpy(desk.map_.address(), &header, sizeof header);
  if (auto status = seal_size(desk.file_); !status)
    return status.error();
  // Slot 0 stays unused, so that a handle that was not granted has slot 0. The lowest one is to be taken first.
  desk.idle_.reserve(LeasePage::granted_max);
  for (std::uint16_t slot = LeasePage::granted_max - 1; slot > 0; --slot)
    desk.idle_.push_back(slot);
  return desk;
}

std::optional<std::uint16_t> LeaseDesk::grant(LeaseWord lease) noexcept {
  if (idle_.empty())
    return std::nullopt;
  const std::uint16_t slot = idle_.back();
  idle_.pop_back();
  order_.push_back(slot);
  grants_[slot] = {lease, std::nullopt};
  page().granted[slot].lease.store(lease, std::memory_order_release);  // pairs with the acquire of who is told the slot
  return slot;
}

std::uint32_t LeaseDesk::let_go(std::uint16_t slot) noexcept {
  idle_.push_back(slot);
  return block_of(std::exchange(grants_[slot], {}).lease);
}

// A delivery takes the handle's words, but for two that the consumer can do without: the size follows from type and
// shape, and makes way for the offset; the zone is known, and makes way for the sequence number.
void LeaseDesk::deliver(const HeavyRef& granted, std::uint64_t offset) noexcept {
  LeasePage::Delivery& delivery = page().deliveries[delivered_ % LeasePage::deliveries_max];
  ++delivered_;
  for (std::size_t i = 0; i < delivery.words.size(); ++i)
    delivery.words[i].store(i == 2 ? offset : granted.words[i], std::memory_order_relaxed);
  delivery.sequence.store(delivered_, std::memory_order_release);  // pairs with the acquire in Reader::try_take()
  std::atomic_thread_fence(std::memory_order_seq_cst);             // pairs with the one in Reader::sleep()
  if (page().sleeps.load(std::memory_order_relaxed) != 0) {
    page().rings.fetch_add(1);
    wake_all(page().rings);
  }
}

std::size_t LeaseDesk::acquired_used() const noexcept {
  return std::min<std::size_t>(page().acquired_used.load(std::memory_order_acquire), LeasePage::acquired_max);
}

bool LeaseDesk::has_acquired(LeaseWord lease) const noexcept {
  const std::size_t used = acquired_used();
  return std::any_of(page().acquired, page().acquired + used, [lease](const LeasePage::Slot& slot) {
    return slot.lease.load(std::memory_order_acquire) == lease;
  });
}

std::vector<LeaseDesk::Held> LeaseDesk::held(TimePoint now) {
  std::vector<Held> all;
  for (const std::uint16_t slot : order_)
    if (!is_clear(slot)) {
      Grant& grant = grants_[slot];
      if (!grant.since)
        grant.since = now;
      all.push_back({grant.lease, true, *grant.since});
    }
  const std::size_t used = acquired_used();
  for (std::size_t slot = 0; slot < used; ++slot) {
    const LeaseWord lease = page().acquired[slot].lease.load(std::memory_order_acquire);
    if (seen_[slot].lease != lease)
      seen_[slot] = {lease, now};
    if (lease != 0)
      all.push_back({lease, false, *seen_[slot].since});
  }
  return all;
}

}  // namespace theus::shm
