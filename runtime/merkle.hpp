#pragma once

#include "runtime/sha256.hpp"

#include <vector>

namespace theus {

/// The nodes of the trees that <theus/digest.hpp> defines.
class Merkle {
public:
  static constexpr unsigned fanout_bits = 5;
  static constexpr unsigned fanout = 1U << fanout_bits;
  /// Members of a map that stand in one leaf, unless the bits of their hashes are used up.
  static constexpr std::size_t leaf_max = fanout;
  static constexpr unsigned level_max = 12;

  /// What stands for a member of a container in the leaf that holds it.
  static void append_token(std::vector<std::byte>& out, const Value& scalar);
  static void append_token(std::vector<std::byte>& out, const Digest& container);
  /// A member of a map: its key and then its token.
  static void append_key(std::vector<std::byte>& out, std::string_view key);

  Digest scalar(const Value& value);
  Digest list_leaf(std::span<const std::byte> tokens) { return hash(1, tokens); }
  Digest list_branch(std::span<const Digest> nodes) { return hash(2, std::as_bytes(nodes)); }
  /// Of keys and tokens in canonical order of the keys.
  Digest map_leaf(std::span<const std::byte> members) { return hash(3, members); }
  /// Bit n of the bitmap is set when slot n is not empty; the nodes of the others, in ascending order.
  Digest map_branch(std::uint32_t bitmap, std::span<const Digest> nodes);

  static unsigned slot(std::uint64_t key_hash, unsigned level) noexcept {
    return static_cast<unsigned>(key_hash >> (fanout_bits * level)) & (fanout - 1);
  }

private:
  Digest hash(std::uint8_t kind, std::span<const std::byte> content);

  Sha256 sha_;
};

}  // namespace theus
