#pragma once

#include "actors/protocol.hpp"

namespace theus::actors {

/// Goes on with a call of which so many attempts were made already, by whoever waits for it.
ProcessActor go_on_with_process(caf::actor_system& system, CorePtr core, StateOwner owner, CallPtr call, int attempts);

}  // namespace theus::actors
