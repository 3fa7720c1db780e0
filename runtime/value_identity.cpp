#include <theus/value.hpp>

#include "runtime/value_node.hpp"
#include "runtime/walk.hpp"

#include <bit>

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

std::uint64_t hash_scalar(std::uint64_t seed, const Value& value) noexcept {
  switch (value.kind()) {
    case Value::Kind::boolean: return mix(seed, value.as_bool() ? 1 : 0);
    case Value::Kind::integer: return mix(seed, static_cast<std::uint64_t>(value.as_int()));
    case Value::Kind::real:
      return mix(seed, std::bit_cast<std::uint64_t>(value.as_double() == 0 ? 0.0 : value.as_double()));
    case Value::Kind::string: return hash_bytes(seed, value.as_string().data(), value.size());
    case Value::Kind::bytes: return hash_bytes(seed, value.as_bytes().data(), value.size());
    case Value::Kind::heavy: {
      const HeavyRef ref = value.as_heavy();
      return hash_bytes(seed, ref.words.data(), sizeof ref.words);
    }
    case Value::Kind::null:
    case Value::Kind::list:
    case Value::Kind::map: return seed;
  }
  return seed;
}

// A value sets all of its sixteen bytes. NOLINTNEXTLINE(bugprone-suspicious-memory-comparison)
bool same_bits(const Value& a, const Value& b) noexcept { return std::memcmp(&a, &b, sizeof a) == 0; }

// REQUIRES: different bits, not both containers.
bool equal_scalars(const Value& a, const Value& b) noexcept {
  if (a.kind() != b.kind())
    return false;
  switch (a.kind()) {
    case Value::Kind::real: return a.as_double() == b.as_double();
    case Value::Kind::string: return a.as_string() == b.as_string();
    case Value::Kind::bytes: return std::ranges::equal(a.as_bytes(), b.as_bytes());
    case Value::Kind::heavy: return a.as_heavy() == b.as_heavy();
    case Value::Kind::null:
    case Value::Kind::boolean:
    case Value::Kind::integer:
    case Value::Kind::list:
    case Value::Kind::map: return false;
  }
  return false;
}

// Two containers of one kind and size, read side by side; a map gives its keys and items in turn.
class Twins {
public:
  Twins(const Value& a, const Value& b) noexcept
      : a_(root_of(a)), b_(root_of(b)), values_per_item_(a.is_map() ? 2 : 1), size_(a.size()) {}

  /// The next pair of values that do not stand in a leaf that both share; false at the end.
  bool next(const Value*& a, const Value*& b) noexcept {
    while (left_ == 0) {
      if (index_ == size_)
        return false;
      const ValueRun run_a = values_at(a_, index_);
      const ValueRun run_b = values_at(b_, index_);
      const std::size_t count = std::min(run_a.count, run_b.count);
      index_ += count / values_per_item_;
      at_a_ = run_a.first;
      at_b_ = run_b.first;
      left_ = at_a_ == at_b_ ? 0 : count;
    }
    a = at_a_++;
    b = at_b_++;
    --left_;
    return true;
  }

private:
  const SequenceNode* a_;
  const SequenceNode* b_;
  std::size_t values_per_item_;
  std::size_t size_;
  std::size_t index_ = 0;
  const Value* at_a_ = nullptr;
  const Value* at_b_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace

bool operator==(const Value& a, const Value& b) {
  SmallStack<Twins, 16> stack;
  for (const Value *x = &a, *y = &b;;) {
    if (!same_bits(*x, *y)) {
      if (!is_container(*x) || !is_container(*y)) {
        if (!equal_scalars(*x, *y))
          return false;
      } else if (x->kind() != y->kind() || x->size() != y->size()) {
        return false;
      } else {
        stack.push(Twins{*x, *y});
      }
    }
    while (!stack.empty() && !stack.top().next(x, y))
      stack.pop();
    if (stack.empty())
      return true;
  }
}

std::uint64_t Value::hash() const {
  std::uint64_t hash = 0;
  Walk walk{*this};
  while (walk.next()) {
    if (walk.step() == Walk::Step::leave)
      continue;
    if (const std::string_view* key = walk.key())
      hash = hash_bytes(hash, key->data(), key->size());
    hash = mix(hash, static_cast<std::uint64_t>(walk.value().kind()));
    hash = walk.step() == Walk::Step::enter ? mix(hash, walk.value().size()) : hash_scalar(hash, walk.value());
  }
  return hash;
}

}  // namespace theus
