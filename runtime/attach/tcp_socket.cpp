#include "runtime/attach/tcp_socket.hpp"

#include "runtime/attach/name_lookup.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace theus {
namespace {

using Steady = std::chrono::steady_clock;

// A host that answers nothing any more is let go of, also where nobody has anything to say.
constexpr int unacknowledged_ms_max = 5000;
constexpr int silence_s = 2;

void set(int socket, int level, int name, int value) noexcept {
  (void)::setsockopt(socket, level, name, &value, sizeof value);
}

void expect_life(int socket) noexcept {
  set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(socket, IPPROTO_TCP, TCP_KEEPIDLE, silence_s);
  set(socket, IPPROTO_TCP, TCP_KEEPINTVL, 1);
  set(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, unacknowledged_ms_max);
}

bool is_connected(int socket, Steady::time_point deadline) noexcept {
  pollfd waiting{socket, POLLOUT, 0};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now()).count();
  if (::poll(&waiting, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, INT32_MAX))) <= 0) {
    errno = ETIMEDOUT;
    return false;
  }
  socklen_t size = sizeof errno;
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &errno, &size) == 0 && errno == 0;
}

}  // namespace

Result<TcpAddress> TcpAddress::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    host = {};
  const std::string_view port = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  const bool is_port = !port.empty() && port.size() <= 5 &&
                       std::ranges::all_of(port, [](char each) { return each >= '0' && each <= '9'; }) &&
                       std::stoi(std::string{port}) <= UINT16_MAX;
  if (host.empty() || !is_port || text.find('\0') != std::string_view::npos)
    return Error{Errc::bad_argument, "tls", "'" + std::string{text} + "' is no address and port",
                 "Say 192.0.2.7:4711, host:4711 or [2001:db8::7]:4711"};
  return TcpAddress{std::string{host}, std::string{port}};
}

Result<TcpAddress> TcpAddress::of_handle(std::string_view handle) {
  if (!handle.starts_with(remote_scheme))
    return Error{Errc::bad_argument, "tls", "'" + std::string{handle} + "' is no handle of an engine on another host",
                 "Engine::remote_handle() gives one, such as tls://192.0.2.7:4711"};
  return parse(handle.substr(remote_scheme.size()));
}

Result<Descriptor> listen_at(const TcpAddress& address, int waiting_max) {
  const auto found = look_up_number(address.host, address.port);
  if (!found)
    return found.error();
  const addrinfo& at = **found;
  Descriptor socket{::socket(at.ai_family, at.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at.ai_protocol)};
  if (socket) {
    set(socket.number(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (at.ai_family == AF_INET6)
      set(socket.number(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  }
  if (!socket || ::bind(socket.number(), at.ai_addr, at.ai_addrlen) != 0 || ::listen(socket.number(), waiting_max) != 0)
    return Error{
        Errc::bad_argument, "tls",
        "nobody can listen at " + address.host + ":" + address.port + ": " + std::generic_category().message(errno),
        "Choose an address of this host and a port that is free"};
  return socket;
}

std::string handle_of_listener(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  if (::getsockname(socket, plain, &size) != 0 ||
      ::getnameinfo(plain, size, host.data(), host.size(), port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV))
    return std::string{remote_scheme};
  const std::string name = address.ss_family == AF_INET6 ? "[" + std::string{host.data()} + "]" : host.data();
  return std::string{remote_scheme} + name + ":" + port.data();
}

Result<Descriptor> connect_to(const TcpAddress& address, std::chrono::steady_clock::time_point deadline) {
  const auto found = look_up(address.host, address.port, deadline);
  if (!found)
    return found.error();
  for (const addrinfo* at = found->get(); at != nullptr; at = at->ai_next) {
    Descriptor socket{::socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol)};
    if (!socket)
      continue;
    const bool connected = ::connect(socket.number(), at->ai_addr, at->ai_addrlen) == 0 ||
                           (errno == EINPROGRESS && is_connected(socket.number(), deadline));
    if (!connected)
      continue;
    expect_life(socket.number());
    return socket;
  }
  return Error{Errc::owner_down, std::string{remote_scheme} + address.host + ":" + address.port,
               "no engine is reached there: " + std::generic_category().message(errno),
               "Look whether its program runs, and whether the network lets it be reached"};
}

Descriptor accept_from(int listener) noexcept {
  Descriptor socket{::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (socket)
    expect_life(socket.number());
  return socket;
}

}  // namespace theus
