#include "runtime/attach/handshake.hpp"

#include <algorithm>
#include <array>

#include "runtime/attach/protocol.hpp"
#include "runtime/cbor.hpp"

namespace theus {
namespace {

constexpr std::array<std::string_view, 4> reason_names{"uid", "token", "version", "full"};

std::optional<Secret> secret_in(const Value& value) {
  Secret::Bytes bytes;
  if (!value.is_bytes() || value.size() != bytes.size())
    return std::nullopt;
  std::ranges::copy(value.as_bytes(), bytes.begin());
  return Secret{bytes};
}

Value as_value(const Secret& secret) { return Value::bytes(secret.bytes()); }

Error no_handshake() {
  return {Errc::bad_input, "attach", "what arrived is no part of a handshake",
          "Attach with the theus command or <theus/attach.hpp>"};
}

}  // namespace

std::string_view to_string(AttachRefusal::Reason reason) noexcept {
  return reason_names[static_cast<std::size_t>(reason)];
}

Error AttachRefusal::error() const {
  struct Words {
    std::string_view cause;
    std::string_view remedy;
  };
  constexpr std::array<Words, 4> words{
      Words{"the other process belongs to another user", "Attach as the user who runs the engine"},
      Words{"the proof does not fit the token",
            "Attach through the engine's folder, whose token file changes with every start"},
      Words{"the two sides speak different versions", "Use the command line of the version that the engine runs"},
      Words{"all places for attached clients are taken", "End another one, or raise AttachOptions::clients_max"},
  };
  const auto& [cause, remedy] = words[static_cast<std::size_t>(reason)];
  return Error{Errc::join_refused, "attach", std::string{cause}, std::string{remedy}}
      .with("reason", to_string(reason))
      .with("ours", ours)
      .with("theirs", theirs);
}

Value AttachRefusal::to_value() const { return {{"refused", to_string(reason)}, {"ours", ours}, {"theirs", theirs}}; }

std::optional<AttachRefusal> AttachRefusal::of_peer(const Value& message) {
  const auto name = message["refused"].get<std::string>();
  const auto found = name ? std::ranges::find(reason_names, *name) : reason_names.end();
  if (found == reason_names.end())
    return std::nullopt;
  return AttachRefusal{static_cast<Reason>(found - reason_names.begin()), message["theirs"], message["ours"]};
}

std::optional<AttachRefusal> check_uid(std::uint32_t ours, std::uint32_t theirs) {
  if (ours == theirs)
    return std::nullopt;
  return AttachRefusal{AttachRefusal::Reason::uid, ours, theirs};
}

Handshake::Handshake(AttachRole role, const Secret& token, const Secret& nonce, std::int64_t version)
    : role_(role), token_(token), nonce_(nonce), version_(version) {}

Handshake::Packet Handshake::hello() const { return to_cbor(Value{{"theus", version_}, {"nonce", as_value(nonce_)}}); }

Handshake::Step Handshake::receive(std::span<const std::byte> packet) {
  const auto message = from_cbor(packet, {.bytes_max = handshake_bytes_max, .depth_max = 4});
  if (!message || !message->is_map())
    return {.refused = no_handshake()};
  if (const auto refusal = AttachRefusal::of_peer(*message); refusal && role_ == AttachRole::client)
    return {.refused = refusal->error()};
  return peer_nonce_ ? receive_proof(*message) : receive_hello(*message);
}

Handshake::Step Handshake::receive_hello(const Value& message) {
  const Value& theirs = message["theus"];
  if (!theirs.is_int())
    return {.refused = no_handshake()};
  if (theirs.as_int() != version_)
    return refuse({AttachRefusal::Reason::version, version_, theirs});
  peer_nonce_ = secret_in(message["nonce"]);
  if (!peer_nonce_)
    return {.refused = no_handshake()};
  if (role_ == AttachRole::engine)
    return {};
  return {.answer = to_cbor(Value{{"proof", as_value(proof(AttachRole::client))}})};
}

Handshake::Step Handshake::receive_proof(const Value& message) const {
  const auto theirs = secret_in(message["proof"]);
  if (!theirs)
    return {.refused = no_handshake()};
  const AttachRole other = role_ == AttachRole::engine ? AttachRole::client : AttachRole::engine;
  if (!(*theirs == proof(other)))
    return refuse({AttachRefusal::Reason::token});
  if (role_ == AttachRole::client)
    return {.has_joined = true};
  return {.answer = to_cbor(Value{{"proof", as_value(proof(AttachRole::engine))}}), .has_joined = true};
}

Secret Handshake::proof(AttachRole role) const {
  return role_ == AttachRole::engine ? proof_of(token_, role, nonce_, *peer_nonce_)
                                     : proof_of(token_, role, *peer_nonce_, nonce_);
}

// Only the engine says why; a client that distrusts an engine just leaves.
Handshake::Step Handshake::refuse(const AttachRefusal& refusal) const {
  if (role_ == AttachRole::client)
    return {.refused = refusal.error()};
  return {.answer = to_cbor(refusal.to_value()), .refused = refusal.error()};
}

}  // namespace theus
