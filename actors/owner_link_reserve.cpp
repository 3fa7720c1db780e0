// How a joined process keeps paths free at the owner's, and waits until they are.

#include "actors/owner_link.hpp"

namespace theus::actors {

/// REQUIRES: the lock.
bool OwnerLink::ask_to_reserve(Reservations::Id id, std::span<const Path> paths, std::chrono::nanoseconds lifetime) {
  std::vector<std::byte> entry;
  append_cbor_number(entry, id);
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(lifetime).count();
  append_cbor_number(entry, static_cast<std::uint64_t>(milliseconds));
  for (const Path& path : paths)
    append_cbor_text(entry, path.spelling());
  if (refusal(entry.size()))
    return false;
  add(ToOwner::reserve, entry);
  return true;
}

Reservations::Id OwnerLink::reserve(std::span<const Path> paths, std::chrono::nanoseconds lifetime) {
  std::unique_lock lock{mutex_};
  if (!ask_to_reserve(last_reservation_ + 1, paths, lifetime))
    return Reservations::nobody;
  unstarted_.insert(++last_reservation_);
  const Reservations::Id id = last_reservation_;
  flush(lock);
  return id;
}

bool OwnerLink::may_start(Reservations::Id id) const {
  const std::lock_guard lock{mutex_};
  return !unstarted_.contains(id);
}

bool OwnerLink::wait_to_start(Reservations::Id id, Time deadline) {
  std::unique_lock lock{mutex_};
  return changed_.wait_until(lock, deadline, [&] { return !unstarted_.contains(id); });
}

void OwnerLink::extend(Reservations::Id id, std::span<const Path> paths) {
  const std::lock_guard lock{mutex_};
  (void)ask_to_reserve(id, paths, {});
}

void OwnerLink::release(Reservations::Id id) {
  std::vector<std::byte> entry;
  append_cbor_number(entry, id);
  std::unique_lock lock{mutex_};
  unstarted_.erase(id);
  if (refusal(entry.size()))
    return;  // with the connection went what was reserved by it
  add(ToOwner::release, entry);
  flush(lock);
}

void OwnerLink::take_starts(CborCursor& in) {
  {
    const std::lock_guard lock{mutex_};
    while (in.failure() == nullptr && !in.is_at_end())
      unstarted_.erase(in.number());
  }
  changed_.notify_all();
}

}  // namespace theus::actors
