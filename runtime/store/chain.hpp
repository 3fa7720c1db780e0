#pragma once

#include "runtime/sha256.hpp"

#include <cstdint>
#include <string_view>

namespace theus::store {

/// Links records so that none can be changed, left out, added or put elsewhere without a trace (with H for SHA-256 and
/// || for concatenation; numbers take eight bytes, least significant first):
///
///   link(0) = H(name of the journal)
///   link(n) = H(link(n - 1) || number of the record || its bytes)
///
/// The name is drawn at random when the journal is made, so records of another one do not fit. Belongs to one thread.
class Chain {
public:
  Chain() = default;
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  static Digest first(std::string_view name) {
    Sha256 sha;
    sha.add(std::as_bytes(std::span{name}));
    return sha.finish();
  }

  void start_at(const Digest& link) noexcept { link_ = link; }
  const Digest& link() const noexcept { return link_; }

  /// The next link becomes the current one.
  const Digest& add(std::uint64_t number, std::span<const std::byte> record) {
    std::array<std::byte, 8> bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<std::byte>(number >> (8 * i));
    sha_.add(link_.bytes);
    sha_.add(bytes);
    sha_.add(record);
    return link_ = sha_.finish();
  }

private:
  Sha256 sha_;
  Digest link_;
};

}  // namespace theus::store
