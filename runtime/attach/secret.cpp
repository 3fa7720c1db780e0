#include "runtime/attach/secret.hpp"

#include <theus/digest.hpp>
#include <theus/result.hpp>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <cerrno>
#include <new>

namespace theus {

Secret Secret::random() {
  Secret secret;
  // Up to 256 bytes come whole, once the generator has been seeded; only before that a signal can interrupt.
  while (::getrandom(secret.bytes_.data(), size, 0) != static_cast<ssize_t>(size))
    if (errno != EINTR)
      raise(Error{Errc::unsupported, "attach", "the system gives no random numbers"});
  return secret;
}

std::optional<Secret> Secret::parse(std::string_view text) {
  if (text.ends_with('\n'))
    text.remove_suffix(1);
  const auto digest = Digest::parse(text);
  return digest ? std::optional{Secret{digest->bytes}} : std::nullopt;
}

std::string Secret::text() const { return Digest{bytes_}.text(); }

bool operator==(const Secret& a, const Secret& b) noexcept {
  return CRYPTO_memcmp(a.bytes_.data(), b.bytes_.data(), Secret::size) == 0;
}

Secret proof_of(const Secret& token, AttachRole role, const Secret& engine_nonce, const Secret& client_nonce) {
  const std::string_view words = role == AttachRole::engine ? "theus attach engine" : "theus attach client";
  std::string message{words};
  for (const Secret* nonce : {&engine_nonce, &client_nonce})
    message.append(reinterpret_cast<const char*>(nonce->bytes().data()), Secret::size);
  Secret::Bytes proof;
  if (HMAC(EVP_sha256(), token.bytes().data(), static_cast<int>(Secret::size),
           reinterpret_cast<const unsigned char*>(message.data()), message.size(),
           reinterpret_cast<unsigned char*>(proof.data()), nullptr) == nullptr)
    throw std::bad_alloc{};
  return Secret{proof};
}

}  // namespace theus
