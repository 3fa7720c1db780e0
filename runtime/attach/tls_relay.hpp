#pragma once

// How packets travel in a TLS stream: four bytes of length, most significant first, 1 to packet_bytes_max; then the
// packet. The length is checked before anything is made ready for what it tells of.

#include "runtime/attach/packet_socket.hpp"
#include "runtime/attach/tls_stream.hpp"

#include <chrono>
#include <vector>

namespace theus {

/// Carries packets between a TLS stream and a local packet socket, one each way at a time, so that sessions need not
/// know how far away the other side is: what it does not take fills the sockets, and their bounds hold. Belongs to one
/// thread, which blocks SIGPIPE.
class TlsRelay {
public:
  using Time = std::chrono::steady_clock::time_point;

  /// For what is on its way when one side has left.
  static constexpr std::chrono::milliseconds drain_timeout{500};

  /// `known_by`: when the other side must have shown its certificate.
  TlsRelay(TlsStream stream, Time known_by);

  /// Whether the other side has shown its certificate; the secret of the connection, then.
  bool is_known() const noexcept { return secret_.has_value(); }
  const Secret& secret() const { return *secret_; }
  /// REQUIRES: it is known; called once.
  void connect(PacketSocket local) { local_.emplace(std::move(local)); }
  bool is_connected() const noexcept { return local_.has_value(); }

  /// Moves what can be moved. `local_left`: the local side has hung up, or is to be taken as if it had.
  void look(Time now, bool local_left);

  int stream_number() const noexcept { return stream_.number(); }
  int local_number() const noexcept { return local_ && left_at_ == Time{} ? local_->number() : -1; }
  short stream_events() const noexcept;
  short local_events() const noexcept;
  /// When to look again at the latest.
  Time look_at() const noexcept;
  bool is_over() const noexcept { return is_over_; }
  /// Why it ended, unless one side just left.
  const std::optional<Error>& fault() const noexcept { return fault_; }

private:
  static constexpr std::size_t length_bytes = 4;

  void shake_hands(Time now);
  bool bring();
  bool take();
  bool has_whole() const noexcept { return come_ == in_.size() && in_.size() > length_bytes; }
  void end(std::optional<Error> fault);

  TlsStream stream_;
  std::optional<PacketSocket> local_;
  std::optional<Secret> secret_;
  const Time known_by_;
  Time left_at_{};  // when the local side had left

  std::vector<std::byte> in_;  // length and packet, as far as `come_`
  std::size_t come_ = 0;
  std::vector<std::byte> out_;  // the same, from `gone_` on
  std::size_t gone_ = 0;
  std::vector<std::byte> packet_;
  bool stream_wants_write_ = false;
  bool has_more_ = false;
  bool is_over_ = false;
  std::optional<Error> fault_;
};

}  // namespace theus
