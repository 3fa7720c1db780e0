#pragma once

#include <theus/digest.hpp>

#include <initializer_list>
#include <memory>

struct evp_md_ctx_st;

namespace theus {

/// Hashes any number of messages, one after the other. Throws bad_alloc when libcrypto has no memory.
class Sha256 {
public:
  Sha256();

  void add(std::span<const std::byte> bytes);
  /// The digest of what was added since the last call; the next message begins.
  Digest finish();

private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace theus
