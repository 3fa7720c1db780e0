#pragma once

#include "runtime/attach/framing.hpp"
#include "runtime/attach/handshake.hpp"
#include "runtime/attach/protocol.hpp"
#include "runtime/attach/tcp_socket.hpp"
#include "runtime/attach/tls_stream.hpp"
#include "runtime/attach/wire.hpp"
#include "runtime/cbor.hpp"

#include <poll.h>

#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <stdexcept>

namespace theus::testing {

/// Somebody with a certificate who says to an engine on another host whatever a test wants: raw bytes inside the TLS
/// stream, packets, or messages; and who hears what it answers. Waits for a bounded time.
class KnownPeer {
public:
  using Bytes = std::vector<std::byte>;

  static constexpr std::chrono::seconds patience{20};

  /// Shows the certificate; nothing of the engine's own handshake.
  KnownPeer(const std::string& handle, const TlsOptions& tls) : stream_(connected(handle, tls)) {
    // As a TlsStream wants it.
    sigset_t pipe{};
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    const auto deadline = Clock::now() + patience;
    while (true) {
      const auto outcome = stream_.shake_hands();
      if (outcome == TlsStream::Outcome::done)
        return;
      if (outcome == TlsStream::Outcome::gone || !wait(outcome, deadline))
        throw std::runtime_error{"no TLS handshake"};
    }
  }

  /// Whether all of it could be sent: not when the engine has hung up.
  bool send_raw(std::span<const std::byte> bytes) {
    const auto deadline = Clock::now() + patience;
    while (!bytes.empty()) {
      std::size_t put = 0;
      const auto outcome = stream_.write(bytes, put);
      if (outcome == TlsStream::Outcome::done)
        bytes = bytes.subspan(put);
      else if (outcome == TlsStream::Outcome::gone || !wait(outcome, deadline))
        return false;
    }
    return true;
  }
  bool send_packet(std::span<const std::byte> packet) {
    Bytes framed;
    for (int shift = 24; shift >= 0; shift -= 8)
      framed.push_back(static_cast<std::byte>(packet.size() >> shift & 0xff));
    framed.insert(framed.end(), packet.begin(), packet.end());
    return send_raw(framed);
  }
  bool send_message(Bytes message) {
    MessageWriter writer;
    for (writer.add(std::move(message)); !writer.empty(); writer.sent())
      if (!send_packet(writer.packet()))
        return false;
    return true;
  }

  /// Nothing when the engine has hung up, or says nothing.
  std::optional<Bytes> receive_packet(std::chrono::milliseconds time = patience) {
    const auto deadline = Clock::now() + time;
    while (true) {
      if (in_.size() >= length_bytes) {
        std::size_t length = 0;
        for (std::size_t i = 0; i < length_bytes; ++i)
          length = length << 8 | std::to_integer<std::size_t>(in_[i]);
        if (in_.size() >= length_bytes + length) {
          const auto begin = in_.begin() + length_bytes;
          Bytes packet{begin, begin + static_cast<std::ptrdiff_t>(length)};
          in_.erase(in_.begin(), begin + static_cast<std::ptrdiff_t>(length));
          return packet;
        }
      }
      if (!read_some(deadline))
        return std::nullopt;
    }
  }
  std::optional<Bytes> receive_message(std::chrono::milliseconds time = patience) {
    while (auto packet = receive_packet(time))
      if (auto message = reader_.add(*packet).value())
        return message;
    return std::nullopt;
  }
  /// Whether the engine hangs up within that time, whatever it says before.
  bool is_cut_within(std::chrono::milliseconds time) {
    const auto deadline = Clock::now() + time;
    while (read_some(deadline))
      in_.clear();
    return is_gone_;
  }

  /// The engine's own handshake, as a client makes it.
  bool joins() {
    Handshake handshake{AttachRole::client, stream_.shared_secret().value(), Secret::random(), attach_version};
    if (!send_packet(handshake.hello()))
      return false;
    while (const auto packet = receive_packet()) {
      const auto step = handshake.receive(*packet);
      if (step.refused || (step.answer && !send_packet(*step.answer)))
        return false;
      if (step.has_joined)
        return true;
    }
    return false;
  }
  Secret secret() const { return stream_.shared_secret().value(); }

  static Bytes request(std::string_view name, Value fields, const Value& id = 1) {
    fields.set("id", id);
    fields.set("do", name);
    return to_cbor(fields);
  }
  /// The answer to a request; null when the engine has hung up.
  Value ask(std::string_view name, Value fields = Value::map()) {
    if (!send_message(request(name, std::move(fields))))
      return {};
    const auto message = receive_message();
    return message ? from_cbor(*message, {.depth_max = message_depth_max}).value() : Value{};
  }
  /// The code of its refusal, if it refuses.
  std::optional<Errc> refusal_of(std::string_view name, Value fields = Value::map()) {
    const Value answer = ask(name, std::move(fields));
    return answer.contains("error") ? std::optional{error_from_wire(answer["error"]).code()} : std::nullopt;
  }

private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t length_bytes = 4;

  static TlsStream connected(const std::string& handle, const TlsOptions& tls) {
    const TcpAddress address = TcpAddress::of_handle(handle).value();
    return TlsStream::make(TlsContext::load(tls, AttachRole::client).value(),
                           connect_to(address, Clock::now() + patience).value(), address.host)
        .value();
  }
  bool wait(TlsStream::Outcome outcome, Clock::time_point deadline) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{stream_.number(), static_cast<short>(outcome == TlsStream::Outcome::wants_write ? POLLOUT : POLLIN),
                   0};
    return left > 0 && ::poll(&waiting, 1, static_cast<int>(left)) > 0;
  }
  bool read_some(Clock::time_point deadline) {
    std::array<std::byte, 4096> some{};
    while (true) {
      std::size_t got = 0;
      const auto outcome = stream_.read(some, got);
      if (outcome == TlsStream::Outcome::done) {
        in_.insert(in_.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(got));
        return true;
      }
      is_gone_ = outcome == TlsStream::Outcome::gone;
      if (is_gone_ || !wait(outcome, deadline))
        return false;
    }
  }

  TlsStream stream_;
  Bytes in_;
  MessageReader reader_{answer_bytes_max};
  bool is_gone_ = false;
};

}  // namespace theus::testing
