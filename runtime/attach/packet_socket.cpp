#include "runtime/attach/packet_socket.hpp"

#include "runtime/descriptor_passing.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace theus {
namespace {

constexpr int waiting_max = 64;

struct Address {
  sockaddr_un bytes{};
  socklen_t size = 0;
};

// A socket's address has room for 108 bytes; through its descriptor a folder has a short path, and it cannot be
// exchanged for another one after it was checked.
std::optional<Address> address_of(int folder, const std::string& name) {
  const std::string path = "/proc/self/fd/" + std::to_string(folder) + "/" + name;
  Address address;
  if (path.size() >= sizeof address.bytes.sun_path)
    return std::nullopt;
  address.bytes.sun_family = AF_UNIX;
  std::memcpy(address.bytes.sun_path, path.c_str(), path.size() + 1);
  address.size = sizeof address.bytes;
  return address;
}

const sockaddr* plain(const Address& address) noexcept { return reinterpret_cast<const sockaddr*>(&address.bytes); }

Descriptor make_socket() noexcept {
  return Descriptor{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
}

PacketSocket::Outcome outcome_of_errno() noexcept {
  return errno == EAGAIN || errno == EINTR ? PacketSocket::Outcome::would_block : PacketSocket::Outcome::gone;
}

Error refused(const std::string& name, const char* what) {
  return {Errc::bad_argument, name, std::string{what} + ": " + std::generic_category().message(errno)};
}

}  // namespace

std::optional<PacketSocket> PacketSocket::connect(int folder, const std::string& name) {
  const auto address = address_of(folder, name);
  Descriptor socket = make_socket();
  if (!socket || !address || ::connect(socket.number(), plain(*address), address->size) != 0)
    return std::nullopt;
  return PacketSocket{std::move(socket)};
}

PacketSocket::Outcome PacketSocket::send(std::span<const std::byte> packet, std::span<const int> descriptors) noexcept {
  const ssize_t sent = send_with(number(), packet, descriptors, MSG_DONTWAIT);
  return sent >= 0 ? Outcome::done : outcome_of_errno();
}

PacketSocket::Outcome PacketSocket::receive(std::vector<std::byte>& packet, std::size_t bytes_max) {
  packet.resize(bytes_max);
  ssize_t got = ::recv(number(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_TRUNC);
  // Told once, before what was sent earlier can be read, when the other side left without reading all of ours.
  if (got < 0 && errno == ECONNRESET)
    got = ::recv(number(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_TRUNC);
  if (got < 0)
    return outcome_of_errno();
  // An empty packet looks like the end, and nobody sends one.
  if (got == 0 || static_cast<std::size_t>(got) > bytes_max)
    return Outcome::gone;
  packet.resize(static_cast<std::size_t>(got));
  return Outcome::done;
}

PacketSocket::Outcome PacketSocket::receive(std::vector<std::byte>& packet, std::size_t bytes_max,
                                            std::vector<Descriptor>& descriptors) {
  packet.resize(bytes_max);
  ssize_t got = receive_with(number(), packet, descriptors, MSG_DONTWAIT);
  if (got < 0 && errno == ECONNRESET)
    got = receive_with(number(), packet, descriptors, MSG_DONTWAIT);
  if (got < 0)
    return outcome_of_errno();
  if (got == 0)
    return Outcome::gone;
  packet.resize(static_cast<std::size_t>(got));
  return Outcome::done;
}

namespace {

std::optional<ucred> peer_of(int socket) noexcept {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? std::optional{peer} : std::nullopt;
}

}  // namespace

std::optional<std::uint32_t> PacketSocket::peer_uid() const noexcept {
  const auto peer = peer_of(number());
  return peer ? std::optional{peer->uid} : std::nullopt;
}

std::optional<pid_t> PacketSocket::peer_pid() const noexcept {
  const auto peer = peer_of(number());
  return peer && peer->pid > 0 ? std::optional{peer->pid} : std::nullopt;
}

Result<PacketListener> PacketListener::bind(int folder, const std::string& name) {
  const auto address = address_of(folder, name);
  Descriptor socket = make_socket();
  if (!address)
    return Error{Errc::bad_argument, name, "the name of a socket is too long"};
  // The mode of the unbound socket is that of the file it gets.
  if (!socket || ::fchmod(socket.number(), S_IRUSR | S_IWUSR) != 0)
    return refused(name, "the system gives no socket");
  if (::bind(socket.number(), plain(*address), address->size) != 0)
    return refused(name, "nobody can listen there");
  if (::listen(socket.number(), waiting_max) != 0)
    return refused(name, "nobody can listen there");
  return PacketListener{std::move(socket)};
}

std::optional<PacketSocket> PacketListener::accept() noexcept {
  Descriptor socket{::accept4(number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  return socket ? std::optional{PacketSocket{std::move(socket)}} : std::nullopt;
}

}  // namespace theus
