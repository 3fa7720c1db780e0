#pragma once

#include "actors/owner_link.hpp"

#include <theus/heavy.hpp>

namespace theus::actors {

/// The heavy zone of the owner, joined when it is first looked at, and again when the owner was started again.
HeavyZone joined_zone(std::shared_ptr<const OwnerAddress> owner);

}  // namespace theus::actors
