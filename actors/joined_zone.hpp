#pragma once

#include "actors/owner_address.hpp"

#include <theus/engine.hpp>

#include <memory>

namespace theus::actors {

/// The heavy zone of the owner, joined when it is first looked at, and again when the owner was started again; of an
/// owner on another host, copies of its buffers. REQUIRES: nobody tells of the owner's loss yet.
HeavyZone joined_zone(const std::shared_ptr<OwnerAddress>& owner, const JoinOptions& options);

}  // namespace theus::actors
