#include "actors/owner_reach.hpp"

#include "actors/tls_tunnel.hpp"
#include "runtime/attach/tcp_socket.hpp"

namespace theus::actors {

Result<JoinedOwner> reach_owner(std::string_view handle, const TlsOptions& tls,
                                const std::optional<JoinedBefore>& before, std::chrono::milliseconds timeout) {
  if (!handle.starts_with(remote_scheme))
    return join_owner(handle, before, timeout);
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  auto opened = TlsTunnel::open(handle, tls, deadline);
  if (!opened)
    return opened.error();
  const std::shared_ptr<TlsTunnel> tunnel = *std::move(opened);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  auto owner = join_owner(tunnel->take_socket(), tunnel->secret(), before, left);
  // An engine looks at this side's certificate after this side has looked at the engine's.
  if (!owner)
    return tunnel->fault().value_or(owner.error());
  owner->carrier = tunnel;
  return owner;
}

std::shared_ptr<PacketSocket> socket_of(JoinedOwner& owner) {
  struct Carried {
    std::shared_ptr<void> carrier;
    PacketSocket socket;  // goes first
  };
  auto carried = std::make_shared<Carried>(Carried{std::move(owner.carrier), std::move(owner.socket)});
  return {carried, &carried->socket};
}

}  // namespace theus::actors
