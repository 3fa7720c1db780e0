#pragma once

#include "runtime/isolated/call.hpp"
#include "runtime/isolated/handles.hpp"
#include "runtime/isolated/packets.hpp"
#include "shm/heavy_room.hpp"

namespace theus::actors {

/// The buffers that a call's values name, kept for it. What cannot be kept, or may still change, the body will not see.
/// Refuses with too_large {limit} more than go along with a message.
Result<std::vector<shm::Hold>> held_buffers(const shm::HeavyRoom& room, const IsolatedCall& call);
/// What a worker needs to read them. Refuses with resource_exhausted.
Result<std::vector<PassedBuffer>> lent_buffers(std::span<const shm::Hold> holds);

/// Takes over what a worker built: the handles that it uses, and ours in their place. Refuses with no_space when there
/// is no room, and with anything else what no worker of ours sends.
Result<std::vector<HandleSwap>> adopted_buffers(shm::HeavyRoom& room, std::vector<PassedBuffer> built);

}  // namespace theus::actors
