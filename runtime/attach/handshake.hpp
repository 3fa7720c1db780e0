#pragma once

#include "runtime/attach/secret.hpp"

#include <theus/value.hpp>

#include <variant>

namespace theus {

/// Why somebody may not attach.
struct AttachRefusal {
  enum class Reason : std::uint8_t { uid, token, version, full };

  Reason reason = Reason::token;
  Value ours{};    ///< of the side that refuses: its uid, version or limit
  Value theirs{};  ///< of the other side

  /// join_refused with the fields reason, ours and theirs.
  Error error() const;
  Value to_value() const;
  /// A refusal that the other side sent; its `ours` becomes `theirs`.
  static std::optional<AttachRefusal> of_peer(const Value& message);
};

/// "uid", "token", "version" or "full".
std::string_view to_string(AttachRefusal::Reason reason) noexcept;

/// Only processes of the user who owns the engine may attach, not even root's.
std::optional<AttachRefusal> check_uid(std::uint32_t ours, std::uint32_t theirs);

/// One side of the handshake of protocol.hpp, as a rule: packets go in and come out. Belongs to one thread.
class Handshake {
public:
  using Packet = std::vector<std::byte>;

  struct Step {
    std::optional<Packet> answer{};  ///< to be sent now
    std::optional<Error> refused{};  ///< it is over
    bool has_joined = false;
  };

  /// `nonce` must never have been used before. `version` is what this side speaks.
  Handshake(AttachRole role, const Secret& token, const Secret& nonce, std::int64_t version);

  /// What this side says at once.
  Packet hello() const;

  /// What follows from a packet of the other side. REQUIRES: not joined, not refused.
  Step receive(std::span<const std::byte> packet);

private:
  Step receive_hello(const Value& message);
  Step receive_proof(const Value& message) const;
  Secret proof(AttachRole role) const;
  Step refuse(const AttachRefusal& refusal) const;

  const AttachRole role_;
  const Secret token_;
  const Secret nonce_;
  const std::int64_t version_;
  std::optional<Secret> peer_nonce_;
};

}  // namespace theus
