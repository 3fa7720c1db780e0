#pragma once

#include "actors/visitors.hpp"
#include "runtime/attach/tcp_socket.hpp"
#include "runtime/attach/tls_relay.hpp"
#include "runtime/attach/warning_throttle.hpp"

#include <atomic>
#include <functional>
#include <list>
#include <thread>

namespace theus::actors {

/// Lets engines on other hosts in: one thread that listens, waits until who connects has shown a certificate, and then
/// carries packets between him and the attach server, which takes him for a local client. Nothing of what he sends is
/// looked at before; he costs a place for a bounded time.
class TlsDoor {
public:
  /// Who connects and has not shown a certificate yet; further ones wait with the kernel.
  static constexpr std::size_t unknown_max = 64;

  /// `clients_max`: as many as the server lets in. `warn` is called by the thread. Errors: bad_argument.
  static Result<std::unique_ptr<TlsDoor>> open(const RemoteOptions& options, std::size_t clients_max,
                                               std::shared_ptr<Visitors> visitors,
                                               std::function<void(const Error&)> warn);
  /// REQUIRES: the server is gone. What it has said last goes out, within a second.
  ~TlsDoor();
  TlsDoor(const TlsDoor&) = delete;
  TlsDoor& operator=(const TlsDoor&) = delete;

  std::string handle() const { return handle_of_listener(listener_.number()); }

private:
  using Time = TlsRelay::Time;

  TlsDoor(std::shared_ptr<const TlsContext> context, std::chrono::milliseconds certificate_timeout, Descriptor listener,
          Descriptor wake, std::size_t relays_max, std::shared_ptr<Visitors> visitors,
          std::function<void(const Error&)> warn);

  void run();
  void turn();
  bool accepts(Time now) const;
  void accept(Time now);
  void let_in(TlsRelay& relay);
  void tell(const std::optional<Error>& warning) const;

  // Constant after construction.
  const std::shared_ptr<const TlsContext> context_;
  const std::chrono::milliseconds certificate_timeout_;
  const Descriptor listener_;
  const Descriptor wake_;  // an eventfd
  const std::size_t relays_max_;
  const std::shared_ptr<Visitors> visitors_;
  const std::function<void(const Error&)> warn_;

  std::atomic<bool> is_stopping_{false};

  // The thread's own.
  std::list<TlsRelay> relays_;
  Time accept_after_{};
  WarningThrottle warnings_{std::chrono::steady_clock::now()};

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace theus::actors
