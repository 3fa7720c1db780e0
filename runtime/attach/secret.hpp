#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace theus {

/// 256 bits: a token that only the owner of an engine can read, a nonce, or the proof that somebody knows the token.
/// Compared in constant time, so that how long a refusal takes tells nothing about the secret.
class Secret {
public:
  static constexpr std::size_t size = 32;
  using Bytes = std::array<std::byte, size>;

  Secret() noexcept = default;
  explicit Secret(const Bytes& bytes) noexcept : bytes_(bytes) {}
  /// From the kernel's random generator.
  static Secret random();
  /// Of 64 hexadecimal digits and perhaps a line feed.
  static std::optional<Secret> parse(std::string_view text);

  const Bytes& bytes() const noexcept { return bytes_; }
  std::string text() const;

  friend bool operator==(const Secret& a, const Secret& b) noexcept;

private:
  Bytes bytes_{};
};

/// Who proves that it knows the token. Each side proves it in other words, so that none can send back what it heard.
enum class AttachRole : std::uint8_t { engine, client };

/// HMAC-SHA256 (RFC 2104) with the token as key over the role and both nonces. Throws bad_alloc.
Secret proof_of(const Secret& token, AttachRole role, const Secret& engine_nonce, const Secret& client_nonce);

}  // namespace theus
