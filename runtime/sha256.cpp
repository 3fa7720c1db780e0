#include "runtime/sha256.hpp"

#include <openssl/evp.h>

#include <new>

namespace theus {
namespace {

// With valid arguments nothing but a lack of memory makes libcrypto fail here.
void require(int done) {
  if (done != 1)
    throw std::bad_alloc{};
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  require(context_ != nullptr);
  require(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

void Sha256::add(std::span<const std::byte> bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

Digest Sha256::finish() {
  Digest digest;
  require(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.bytes.data()), nullptr));
  // Without naming the algorithm again, which would look it up once more.
  require(EVP_DigestInit_ex(context_.get(), nullptr, nullptr));
  return digest;
}

}  // namespace theus
