#include <theus/value.hpp>

#include <algorithm>
#include <bit>
#include <cstring>

namespace theus {
namespace {

constexpr std::uint64_t mix(std::uint64_t seed, std::uint64_t word) noexcept {
  // The finalizer of SplitMix64 (Steele, Lea, Flood 2014) over a running sum.
  std::uint64_t x = seed + 0x9e3779b97f4a7c15ULL + word;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::uint64_t hash_bytes(std::uint64_t seed, const void* content, std::size_t size) noexcept {
  std::uint64_t hash = mix(seed, size);
  const auto* at = static_cast<const unsigned char*>(content);
  for (; size > 0; at += 8, size -= 8) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(size, 8); ++i)
      word |= static_cast<std::uint64_t>(at[i]) << (8 * i);
    hash = mix(hash, word);
    if (size < 8)
      break;
  }
  return hash;
}

}  // namespace

bool operator==(const Value& a, const Value& b) noexcept {
  using Kind = Value::Kind;
  const Kind kind = a.kind();
  if (kind != b.kind())
    return false;
  const bool same_bits = std::memcmp(a.raw_, b.raw_, sizeof a.raw_) == 0;
  switch (kind) {
    case Kind::null: return true;
    case Kind::boolean:
    case Kind::integer: return same_bits;
    case Kind::real: return same_bits || a.as_double() == b.as_double();
    case Kind::string: return a.as_string() == b.as_string();
    case Kind::bytes: return same_bits || std::ranges::equal(a.as_bytes(), b.as_bytes());
    case Kind::heavy: return a.as_heavy() == b.as_heavy();
    case Kind::list: return same_bits || std::ranges::equal(a.items(), b.items());
    case Kind::map:
      if (same_bits)
        return true;
      if (a.size() != b.size())
        return false;
      for (auto left = a.members().begin(), right = b.members().begin(); left != a.members().end(); ++left, ++right)
        if ((*left).key != (*right).key || !((*left).item == (*right).item))
          return false;
      return true;
  }
  return false;
}

std::uint64_t Value::hash() const noexcept {
  const auto seed = mix(0, static_cast<std::uint64_t>(kind()));
  switch (kind()) {
    case Kind::null: return seed;
    case Kind::boolean: return mix(seed, as_bool() ? 1 : 0);
    case Kind::integer: return mix(seed, static_cast<std::uint64_t>(as_int()));
    case Kind::real: return mix(seed, std::bit_cast<std::uint64_t>(as_double() == 0 ? 0.0 : as_double()));
    case Kind::string: return hash_bytes(seed, as_string().data(), as_string().size());
    case Kind::bytes: return hash_bytes(seed, as_bytes().data(), as_bytes().size());
    case Kind::heavy: {
      const HeavyRef ref = as_heavy();
      return hash_bytes(seed, ref.words.data(), sizeof ref.words);
    }
    case Kind::list: {
      std::uint64_t hash = mix(seed, size());
      for (const Value& item : items())
        hash = mix(hash, item.hash());
      return hash;
    }
    case Kind::map: {
      std::uint64_t hash = mix(seed, size());
      for (const auto [key, item] : members())
        hash = mix(hash_bytes(hash, key.data(), key.size()), item.hash());
      return hash;
    }
  }
  return seed;
}

}  // namespace theus
