#pragma once

#include "runtime/attach/tls_relay.hpp"

#include <theus/engine.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace theus::actors {

/// The joining side of a connection to an engine on another host: a local packet socket, and a thread that carries what
/// goes over it.
class TlsTunnel {
public:
  /// Connects and shows the certificate. Errors: bad_argument for the handle or what is wrong with the files;
  /// owner_down when nobody is reached; join_refused (reason tls) when one side does not accept the other; deadline.
  static Result<std::unique_ptr<TlsTunnel>> open(std::string_view handle, const TlsOptions& options,
                                                 std::chrono::steady_clock::time_point deadline);
  /// What was sent goes out, within half a second.
  ~TlsTunnel();
  TlsTunnel(const TlsTunnel&) = delete;
  TlsTunnel& operator=(const TlsTunnel&) = delete;

  /// REQUIRES: called once.
  PacketSocket take_socket() { return *std::exchange(socket_, std::nullopt); }
  const Secret& secret() const noexcept { return secret_; }
  /// Why the connection has ended, if that is known. Thread-safe.
  std::optional<Error> fault() const;

private:
  TlsTunnel(TlsStream stream, PacketSocket ours, PacketSocket theirs, Descriptor wake, TlsRelay::Time known_by);

  void run(PacketSocket local);
  void tell();

  const Descriptor wake_;  // an eventfd
  std::atomic<bool> is_stopping_{false};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_known_ = false;       // guarded by mutex_
  bool is_over_ = false;        // the same
  std::optional<Error> fault_;  // the same

  std::optional<PacketSocket> socket_;
  Secret secret_;  // constant once it is known

  std::optional<TlsRelay> relay_;  // the thread's own
  std::thread thread_;             // last: it uses all of the above
};

}  // namespace theus::actors
