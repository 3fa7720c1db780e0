#pragma once

#include "runtime/attach/follower.hpp"
#include "runtime/attach/packet_socket.hpp"
#include "runtime/attach/secret.hpp"

#include <theus/attach.hpp>

namespace theus {

/// What somebody on the owner's host hears and sends signals by; see join_wire.hpp.
struct NearSignals {
  Descriptor ring;
  Descriptor lane;
  Descriptor bell;          ///< rung by the owner
  Descriptor lane_bell;     ///< rung for the owner
  std::uint64_t place = 0;  ///< in the ring, to go on from
};

/// A connection on which the owner now speaks as join_wire.hpp tells.
struct JoinedOwner {
  PacketSocket socket;
  OwnerIdentity identity;
  AccessOptions access;
  std::uint64_t seed = 0;
  /// Under which number the owner counts this process, for as long as it is joined again and again.
  std::uint64_t origin = 0;
  /// Whether the owner keeps causes, in a journal.
  bool records_causes = false;
  /// Nothing: signals come and go by messages.
  std::optional<NearSignals> signals{};
  /// What the socket needs, and is to outlive it.
  std::shared_ptr<void> carrier{};
};

/// What somebody has who was joined before: so much of this history.
struct JoinedBefore {
  OwnerIdentity identity;
  Version version = 0;
  std::uint64_t origin = 0;
};

/// Joins the engine of that handle. Errors: those of AttachedEngine::attach(); stale_epoch when it is not the one that
/// was joined before, or has gone back behind it; unsupported when it has itself joined another one.
Result<JoinedOwner> join_owner(std::string_view handle, const std::optional<JoinedBefore>& before,
                               std::chrono::milliseconds timeout);

/// The same, of an engine that is reached already; both sides know the token.
Result<JoinedOwner> join_owner(PacketSocket socket, const Secret& token, const std::optional<JoinedBefore>& before,
                               std::chrono::milliseconds timeout);

/// The handle itself, and the others that run in its folder: an engine that was started again has another one.
std::vector<std::string> handles_near(std::string_view handle);

}  // namespace theus
