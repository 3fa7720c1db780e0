#pragma once

#include "runtime/attach/framing.hpp"
#include "runtime/attach/handshake.hpp"
#include "runtime/attach/packet_socket.hpp"
#include "runtime/attach/protocol.hpp"

#include <theus/attach.hpp>

#include <atomic>

namespace theus {

/// The client's side of a connection: waits, but never past a deadline and never after interrupt().
class AttachedEngine::Link {
public:
  static Result<std::unique_ptr<Link>> open(std::string_view handle, Timeout timeout);
  /// Over a connection that is there; both sides know the token.
  static Result<std::unique_ptr<Link>> open(PacketSocket socket, const Secret& token, Timeout timeout);
  Link(PacketSocket socket, Descriptor wake) noexcept;

  /// The `ok` of the answer, or its error. Events that come before it are kept.
  Result<Value> request(std::string_view name, Value fields, Timeout timeout);
  /// The same in two parts, so that several are under way: answers come in the order of the requests, and each must be
  /// awaited before the next request() is made.
  Result<std::int64_t> ask(std::string_view name, Value fields, Timeout timeout);
  Result<Value> answer(std::int64_t id, Timeout timeout);
  /// The descriptors that came with the last answer.
  std::vector<Descriptor> take_descriptors() noexcept { return std::exchange(descriptors_, {}); }
  bool has_fault() const noexcept { return fault_.has_value(); }
  /// Of a request that is answered by a version.
  Result<Version> request_version(std::string_view name, Value fields, Timeout timeout);
  /// The next event, which is to be of that name. Errors: timeout, and owner_down after the last one.
  Result<Value> next_event(std::string_view name, Timeout timeout);

  void interrupt() noexcept;

  /// For who goes on in another way. REQUIRES: every answer has come; afterwards this is of no use.
  PacketSocket take_socket() && noexcept { return std::move(socket_); }

private:
  using Time = std::chrono::steady_clock::time_point;

  Status join(const Secret& token, Time deadline);
  Status wait(short events, Time deadline);
  Status send(std::span<const std::byte> packet, Time deadline);
  Result<Handshake::Packet> receive(std::size_t bytes_max, Time deadline);
  Result<Value> receive_message(Time deadline);
  Status send_message(std::vector<std::byte> message, Time deadline);
  Result<Value> receive_answer(std::int64_t id, Time deadline);
  Error gone() const;

  PacketSocket socket_;
  const Descriptor wake_;  // an eventfd, readable from interrupt() on
  std::atomic<bool> is_interrupted_{false};
  MessageReader reader_{answer_bytes_max};
  std::deque<Value> events_;
  std::vector<Descriptor> descriptors_;
  std::int64_t last_id_ = 0;
  bool is_closing_ = false;     // the engine said so
  std::optional<Error> fault_;  // after it nothing more can be said
};

}  // namespace theus
