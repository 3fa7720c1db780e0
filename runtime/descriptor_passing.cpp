#include "runtime/descriptor_passing.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace theus {
namespace {

constexpr std::size_t control_bytes = CMSG_SPACE(descriptors_per_packet_max * sizeof(int));

Error socket_error(const char* call, int number) {
  const std::string cause = std::string{call} + ": " + std::generic_category().message(number);
  switch (number) {
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN: return Error{Errc::peer_down, "packet socket", cause, "Connect again"};
    case EAGAIN:
    case ENOBUFS: return Error{Errc::overloaded, "packet socket", cause, "Try again later"};
    case EMSGSIZE: return Error{Errc::too_large, "packet socket", cause, "Send less at a time"};
    default: return Error{Errc::internal, "packet socket", cause, "See the cause; this should not happen"};
  }
}

std::vector<Descriptor> descriptors_in(msghdr& message) {
  std::vector<Descriptor> found;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
      continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(part) + i * sizeof(int), sizeof number);
      found.emplace_back(number);
    }
  }
  return found;
}

}  // namespace

ssize_t send_with(int socket, std::span<const std::byte> packet, std::span<const int> descriptors, int flags) noexcept {
  iovec piece{const_cast<std::byte*>(packet.data()), packet.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[control_bytes]{};
  if (!descriptors.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(part), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t sent = -1;
  do
    sent = ::sendmsg(socket, &message, flags | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent;
}

ssize_t receive_with(int socket, std::span<std::byte> room, std::vector<Descriptor>& descriptors, int flags) {
  iovec piece{room.data(), room.size()};
  alignas(cmsghdr) char control[control_bytes]{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = -1;
  do
    got = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    return got;
  std::vector<Descriptor> came = descriptors_in(message);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    errno = EMSGSIZE;
    return -1;
  }
  descriptors = std::move(came);
  return got;
}

Status send_packet(const Descriptor& socket, std::span<const std::byte> text, std::span<const int> descriptors) {
  if (text.empty() || descriptors.size() > descriptors_per_packet_max)
    return socket_error("a packet of 0 bytes, or with too many descriptors", EMSGSIZE);
  return send_with(socket.number(), text, descriptors, 0) >= 0 ? Status{} : socket_error("sendmsg", errno);
}

Result<std::optional<Packet>> receive_packet(const Descriptor& socket, std::size_t bytes_max) {
  Packet packet;
  packet.text.resize(bytes_max);
  const ssize_t got = receive_with(socket.number(), packet.text, packet.descriptors, 0);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return std::optional<Packet>{};
  if (got < 0)
    return socket_error("recvmsg", errno);
  if (got == 0)
    return socket_error("the other side has left", ENOTCONN);
  packet.text.resize(static_cast<std::size_t>(got));
  return std::optional<Packet>{std::move(packet)};
}

}  // namespace theus
