#include "actors/worker_buffers.hpp"

#include "shm/guest_heavy.hpp"

#include <algorithm>

namespace theus::actors {

Result<std::vector<shm::Hold>> held_buffers(const shm::HeavyRoom& room, const IsolatedCall& call) {
  std::vector<shm::Hold> holds;
  if (room.arena_if_made() == nullptr)
    return holds;
  bool are_too_many = false;
  const auto keep = [&](const HeavyRef& ref) {
    if (are_too_many || shm::parts_of(ref).is_in_place() ||
        std::ranges::find(holds, ref, [](const shm::Hold& hold) { return hold.ref(); }) != holds.end())
      return;
    auto hold = room.hold(ref);
    are_too_many = hold && holds.size() == passed_buffers_max;
    if (hold && !are_too_many)
      holds.push_back(*std::move(hold));
  };
  each_handle(call.arguments, keep);
  each_handle(call.state, keep);
  if (are_too_many)
    return Error{Errc::too_large, "'" + call.name + "'",
                 "its inputs name more than " + std::to_string(passed_buffers_max) + " heavy buffers",
                 "Declare fewer inputs, or split the work"}
        .with("limit", passed_buffers_max);
  return holds;
}

Result<std::vector<PassedBuffer>> lent_buffers(std::span<const shm::Hold> holds) {
  std::vector<PassedBuffer> lent;
  for (const shm::Hold& hold : holds) {
    auto file = hold.arena()->segment_file(shm::parts_of(hold.ref()).segment);
    if (!file)
      return Error{Errc::resource_exhausted, "isolated processes", file.error().cause(),
                   "Raise the descriptors' limit"};
    lent.push_back({hold.ref(), hold.arena()->offset(hold), *std::move(file)});
  }
  return lent;
}

Result<std::vector<HandleSwap>> adopted_buffers(shm::HeavyRoom& room, std::vector<PassedBuffer> built) {
  std::vector<HandleSwap> swaps;
  for (PassedBuffer& buffer : built) {
    const auto handle = shm::decode(buffer.ref);
    if (!handle)
      return handle.error();
    if (handle->zone != shm::GuestHeavy::zone ||
        std::ranges::find(swaps, buffer.ref, &HandleSwap::first) != swaps.end())
      return Error{Errc::bad_handle, "a worker's message", "it names a buffer that it has not built"};
    const auto arena = room.arena();
    if (!arena)
      return arena.error();
    const auto owner = (*arena)->owner("isolated");
    if (!owner)
      return owner.error();
    auto hold = (*arena)->adopt(std::move(buffer.file), handle->type, handle->shape, *owner);
    if (!hold)
      return hold.error();
    swaps.emplace_back(buffer.ref, shm::to_handle(*std::move(hold)));
  }
  return swaps;
}

}  // namespace theus::actors
