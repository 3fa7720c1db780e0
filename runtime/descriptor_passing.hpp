#pragma once

#include "runtime/descriptor.hpp"

#include <theus/result.hpp>

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace theus {

// Packets with descriptors, over a connected socket of type SOCK_SEQPACKET of the local machine (unix(7), SCM_RIGHTS).

inline constexpr std::size_t descriptors_per_packet_max = 128;

/// As send(2), with descriptors, which stay the caller's; again when a signal interrupts it. REQUIRES: at most
/// descriptors_per_packet_max of them.
ssize_t send_with(int socket, std::span<const std::byte> packet, std::span<const int> descriptors, int flags) noexcept;
/// As recv(2): `descriptors` gets those that came with the packet, closed on exec. -1 with EMSGSIZE, and nothing kept,
/// when the packet or its descriptors do not fit.
ssize_t receive_with(int socket, std::span<std::byte> room, std::vector<Descriptor>& descriptors, int flags);

/// A packet as it came: what it says, and what came with it. The descriptors are closed on exec.
struct Packet {
  std::vector<std::byte> text;
  std::vector<Descriptor> descriptors;
};

/// Sends one packet of at least one byte; the descriptors stay the caller's. Waits only if the socket does. Refuses
/// with peer_down when nobody listens any more, overloaded when the socket is full and does not wait, too_large.
Status send_packet(const Descriptor& socket, std::span<const std::byte> text, std::span<const int> descriptors);
/// The next packet; nothing when there is none and the socket does not wait. Refuses with peer_down at the end, and
/// too_large, closing what came with it, when a packet or its descriptors do not fit.
Result<std::optional<Packet>> receive_packet(const Descriptor& socket, std::size_t bytes_max);

}  // namespace theus
