#pragma once

#include "runtime/descriptor.hpp"

#include <theus/result.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace theus {

inline constexpr std::string_view remote_scheme = "tls://";

/// "host:port" or "[address]:port", taken apart.
struct TcpAddress {
  std::string host;
  std::string port;

  /// Errors: bad_argument. Port 0 is one.
  static Result<TcpAddress> parse(std::string_view text);
  /// The address in a remote handle. Errors: bad_argument, also for what is no such handle.
  static Result<TcpAddress> of_handle(std::string_view handle);
};

/// Non-blocking. A numeric address only. Errors: bad_argument.
Result<Descriptor> listen_at(const TcpAddress& address, int waiting_max);
/// Where a listening socket listens, as a remote handle.
std::string handle_of_listener(int socket);

/// Non-blocking, connected. Errors: those of look_up(); owner_down, also when the deadline comes first.
Result<Descriptor> connect_to(const TcpAddress& address, std::chrono::steady_clock::time_point deadline);
/// Nothing when nobody waits; errno tells more.
Descriptor accept_from(int listener) noexcept;

}  // namespace theus
