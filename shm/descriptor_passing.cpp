#include "shm/descriptor_passing.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace theus::shm {
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

Status send_packet(const Descriptor& socket, std::span<const std::byte> text, std::span<const int> descriptors) {
  if (text.empty() || descriptors.size() > descriptors_per_packet_max)
    return socket_error("a packet of 0 bytes, or with too many descriptors", EMSGSIZE);
  iovec piece{const_cast<std::byte*>(text.data()), text.size()};
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
    sent = ::sendmsg(socket.number(), &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent >= 0 ? Status{} : socket_error("sendmsg", errno);
}

Result<std::optional<Packet>> receive_packet(const Descriptor& socket, std::size_t bytes_max) {
  Packet packet;
  packet.text.resize(bytes_max);
  iovec piece{packet.text.data(), packet.text.size()};
  alignas(cmsghdr) char control[control_bytes]{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = -1;
  do
    got = ::recvmsg(socket.number(), &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return std::optional<Packet>{};
  if (got < 0)
    return socket_error("recvmsg", errno);
  packet.descriptors = descriptors_in(message);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return socket_error("a packet did not fit", EMSGSIZE);
  if (got == 0)
    return socket_error("the other side has left", ENOTCONN);
  packet.text.resize(static_cast<std::size_t>(got));
  return std::optional<Packet>{std::move(packet)};
}

}  // namespace theus::shm
