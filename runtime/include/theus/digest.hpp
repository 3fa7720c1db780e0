#pragma once

#include <theus/value.hpp>

#include <compare>
#include <optional>

namespace theus {

/// A SHA-256 digest (FIPS 180-4).
struct Digest {
  std::array<std::byte, 32> bytes{};

  /// 64 lower-case hexadecimal digits.
  std::string text() const;
  /// The digest of such a text.
  static std::optional<Digest> parse(std::string_view text);

  friend bool operator==(const Digest&, const Digest&) = default;
  friend std::strong_ordering operator<=>(const Digest&, const Digest&) = default;
};

/// The digest of a value. It follows from the content alone: not from how the value came about, nor from the handles of
/// heavy data, of which only the presence counts. Values whose doubles differ in their bits (0.0, -0.0) differ.
///
/// With H for SHA-256, || for concatenation, and C(v) for the canonical CBOR of v (RFC 8949, 4.2.1):
///
///   digest(scalar v)  = H(00 || T(v))
///   T(scalar)         = C(scalar); of a heavy reference F7, CBOR's "undefined"
///   T(list or map v)  = FF || digest(v)
///
/// A list is a tree of 32 branches. The elements in order form leaves of 32, the last of them of what is left; an empty
/// list is one empty leaf. As long as more than one node is left, each 32 neighbours (the last time: what is left) get
/// one node above them. The digest of the list is that of the last node.
///
///   leaf    = H(01 || T(element) || T(element) ...)
///   branch  = H(02 || digest of node || digest of node ...)
///
/// A map is a trie. Up to 32 members, or any number at level 12, form a leaf, in canonical order of their keys (shorter
/// first, then bytewise). More than 32 are divided by five bits of the hash of their keys, (h >> 5 * level) & 31, at
/// level 0 the lowest; the bitmap has bit n set when slot n is not empty. h is FNV-1a (64 bits) of the key's bytes,
/// then h ^= h >> 30, h *= BF58476D1CE4E5B9, h ^= h >> 27, h *= 94D049BB133111EB, h ^= h >> 31.
///
///   leaf    = H(03 || C(key) || T(member) || C(key) || T(member) ...)
///   branch  = H(04 || bitmap, 4 bytes, most significant first || digest of node || ... slots in ascending order)
///
/// Lists remember the digests of blocks of 1024 elements, so that after an append or a replacement the next digest
/// costs a block and a pass over what is remembered; insertion and erasure before the end cost the rest of the list.
/// May throw bad_alloc; thread-safe.
Digest digest(const Value& value);

}  // namespace theus
