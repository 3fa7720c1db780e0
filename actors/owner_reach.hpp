#pragma once

#include "runtime/attach/join_door.hpp"

#include <theus/engine.hpp>

namespace theus::actors {

/// Joins the engine of that handle, on this host or another one. Errors: those of join_owner(); of TlsTunnel::open().
Result<JoinedOwner> reach_owner(std::string_view handle, const TlsOptions& tls,
                                const std::optional<JoinedBefore>& before, std::chrono::milliseconds timeout);

/// Takes its socket, with what that needs.
std::shared_ptr<PacketSocket> socket_of(JoinedOwner& owner);

}  // namespace theus::actors
