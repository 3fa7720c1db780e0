#include "runtime/merkle.hpp"

#include "runtime/cbor.hpp"

namespace theus {
namespace {

constexpr std::byte heavy_token{0xf7};
constexpr std::byte container_token{0xff};

}  // namespace

void Merkle::append_token(std::vector<std::byte>& out, const Value& scalar) {
  if (scalar.is_heavy())
    out.push_back(heavy_token);
  else
    append_cbor(out, scalar);
}

void Merkle::append_token(std::vector<std::byte>& out, const Digest& container) {
  out.push_back(container_token);
  out.insert(out.end(), container.bytes.begin(), container.bytes.end());
}

void Merkle::append_key(std::vector<std::byte>& out, std::string_view key) { append_cbor_text(out, key); }

Digest Merkle::scalar(const Value& value) {
  std::vector<std::byte> token;
  append_token(token, value);
  return hash(0, token);
}

Digest Merkle::map_branch(std::uint32_t bitmap, std::span<const Digest> nodes) {
  std::array<std::byte, sizeof bitmap> most_significant_first;
  for (std::size_t i = 0; i < sizeof bitmap; ++i)
    most_significant_first[i] = static_cast<std::byte>(bitmap >> (24 - 8 * i));
  sha_.add(std::array{std::byte{4}});
  sha_.add(most_significant_first);
  sha_.add(std::as_bytes(nodes));
  return sha_.finish();
}

Digest Merkle::hash(std::uint8_t kind, std::span<const std::byte> content) {
  sha_.add(std::array{std::byte{kind}});
  sha_.add(content);
  return sha_.finish();
}

}  // namespace theus
