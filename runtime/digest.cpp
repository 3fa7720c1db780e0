#include <theus/digest.hpp>
#include <theus/path.hpp>

#include "runtime/merkle.hpp"
#include "runtime/small_stack.hpp"
#include "runtime/value_node.hpp"

#include <algorithm>

namespace theus {
namespace {

constexpr std::size_t block_items = std::size_t{Merkle::fanout} * Merkle::fanout;

// The node that holds exactly the elements from `index` to `index + block_items`, if one does.
SequenceNode* block_at(SequenceNode* node, std::size_t index) noexcept {
  while (node->height > 1) {
    unsigned i = 0;
    for (; i + 1 < node->count && index >= node->children()[i]->size; ++i)
      index -= node->children()[i]->size;
    node = node->children()[i];
  }
  return node->height == 1 && index == 0 && node->size == block_items ? node : nullptr;
}

void remember(SequenceNode& block, const Digest& digest) {
  auto fresh = std::make_unique<NodeDigest>(digest.bytes);
  NodeDigest* none = nullptr;
  // Publishes the bytes to the acquire in skip_remembered(). Who comes second has computed the same.
  if (block.digest.compare_exchange_strong(none, fresh.get(), std::memory_order_release, std::memory_order_relaxed))
    fresh.release();
}

// Computes one digest without recursion over nested values. All open containers share the stacks below: what belongs to
// an inner one stands behind what belongs to the outer ones, and is gone when the inner one is finished.
class Digester {
public:
  Digest run(const Value& value) {
    if (!is_container(value))
      return merkle_.scalar(value);
    for (levels_.push(level_of(value));;) {
      if (const Value* member = next()) {
        if (is_container(*member)) {
          levels_.push(level_of(*member));
          continue;
        }
        Merkle::append_token(tokens_, *member);
      } else {
        const Digest digest = finish();
        levels_.pop();
        if (levels_.empty())
          return digest;
        Merkle::append_token(tokens_, digest);
      }
      close_member();
    }
  }

private:
  // An open container. The bases are where its part of each stack begins.
  struct Level {
    SequenceNode* root;
    std::size_t size;
    bool is_map;
    std::size_t tokens_base;
    std::size_t nodes_base;
    std::size_t members_base;
    std::size_t visited = 0;
    const Value* at = nullptr;  // in a leaf of the sequence, with `left` values to its end
    std::size_t left = 0;
    std::size_t leaves = 0;         // of a list, so far
    SequenceNode* block = nullptr;  // of a list: the one being hashed, if it can remember
  };

  // A member of a map with more than one leaf.
  struct Member {
    std::uint64_t order;  // the slots of its key, that of level 0 first
    std::size_t begin;    // of its key and token
    std::size_t end;
  };

  Level level_of(const Value& value) const noexcept {
    SequenceNode* root = root_of(value);
    return {root, root != nullptr ? root->size : 0, value.is_map(), tokens_.size(), nodes_.size(), members_.size()};
  }

  // The next member of the innermost container; nullptr at its end.
  const Value* next() {
    Level& level = levels_.top();
    while (!level.is_map && level.visited % block_items == 0 && level.size - level.visited >= block_items &&
           skip_remembered(level)) {
    }
    if (level.visited == level.size)
      return nullptr;
    if (level.left == 0) {
      const ValueRun run = values_at(level.root, level.visited);
      level.at = run.first;
      level.left = run.count;
    }
    ++level.visited;
    if (level.is_map) {
      const std::string_view key = (level.at++)->as_string();
      --level.left;
      if (level.size > Merkle::leaf_max)
        members_.push_back({order_of(key), tokens_.size(), 0});
      Merkle::append_key(tokens_, key);
    }
    --level.left;
    return level.at++;
  }

  bool skip_remembered(Level& level) {
    SequenceNode* block = block_at(level.root, level.visited);
    const NodeDigest* known = block != nullptr ? block->digest.load(std::memory_order_acquire) : nullptr;
    level.block = known != nullptr ? nullptr : block;
    if (known == nullptr)
      return false;
    level.visited += block_items;
    add_node(level, Digest{*known}, 1);
    return true;
  }

  void close_member() {
    Level& level = levels_.top();
    if (level.is_map && level.size > Merkle::leaf_max)
      members_.back().end = tokens_.size();
    if (level.is_map || (level.visited % Merkle::fanout != 0 && level.visited != level.size))
      return;
    add_node(level, merkle_.list_leaf(own_tokens(level)), 0);
    tokens_.resize(level.tokens_base);
  }

  // Adds a full node of that height (a leaf may be the last and not full), and above every 32nd the next higher one.
  void add_node(Level& level, const Digest& digest, unsigned height) {
    nodes_.push_back(digest);
    level.leaves += std::size_t{1} << (Merkle::fanout_bits * height);
    std::size_t nodes = level.leaves >> (Merkle::fanout_bits * height);
    for (; nodes % Merkle::fanout == 0; nodes /= Merkle::fanout) {
      join(Merkle::fanout);
      if (++height == 1 && level.block != nullptr)
        remember(*std::exchange(level.block, nullptr), nodes_.back());
    }
  }

  // Puts a branch in the place of the last nodes.
  void join(std::size_t count) {
    const Digest branch = merkle_.list_branch(std::span{nodes_}.last(count));
    nodes_.resize(nodes_.size() - count);
    nodes_.push_back(branch);
  }

  Digest finish() {
    const Level& level = levels_.top();
    const Digest digest = level.is_map ? finish_map(level) : finish_list(level);
    tokens_.resize(level.tokens_base);
    nodes_.resize(level.nodes_base);
    members_.resize(level.members_base);
    return digest;
  }

  Digest finish_list(const Level& level) {
    if (level.size == 0)
      return merkle_.list_leaf({});
    // From the bottom: the nodes of a height that have no parent yet, and the parents that exist.
    std::size_t orphans = level.leaves % Merkle::fanout;
    for (std::size_t parents = level.leaves / Merkle::fanout; parents > 0 || orphans > 1;) {
      if (orphans > 0)
        join(orphans);
      orphans = (orphans > 0 ? 1 : 0) + parents % Merkle::fanout;
      parents /= Merkle::fanout;
    }
    return nodes_.back();
  }

  Digest finish_map(const Level& level) {
    if (level.size <= Merkle::leaf_max)
      return merkle_.map_leaf(own_tokens(level));
    const auto members = std::span{members_}.subspan(level.members_base);
    std::ranges::sort(members, {}, &Member::order);
    return trie_node(members, 0);
  }

  Digest trie_node(std::span<Member> members, unsigned level) {
    if (members.size() <= Merkle::leaf_max || level == Merkle::level_max) {
      std::ranges::sort(members, {}, &Member::begin);  // they came in canonical order
      leaf_.clear();
      for (const Member& member : members)
        leaf_.insert(leaf_.end(), tokens_.data() + member.begin, tokens_.data() + member.end);
      return merkle_.map_leaf(leaf_);
    }
    std::uint32_t bitmap = 0;
    std::array<Digest, Merkle::fanout> nodes;
    std::size_t count = 0;
    while (!members.empty()) {
      const unsigned slot = slot_of(members.front(), level);
      const auto end =
          std::ranges::find_if(members, [&](const Member& other) { return slot_of(other, level) != slot; });
      const auto size = static_cast<std::size_t>(end - members.begin());
      nodes[count++] = trie_node(members.first(size), level + 1);
      bitmap |= std::uint32_t{1} << slot;
      members = members.subspan(size);
    }
    return merkle_.map_branch(bitmap, std::span{nodes}.first(count));
  }

  static std::uint64_t order_of(std::string_view key) noexcept {
    const std::uint64_t hash = key_hash(key);
    std::uint64_t order = 0;
    for (unsigned level = 0; level < Merkle::level_max; ++level)
      order = order << Merkle::fanout_bits | Merkle::slot(hash, level);
    return order;
  }

  static unsigned slot_of(const Member& member, unsigned level) noexcept {
    return Merkle::slot(member.order, Merkle::level_max - 1 - level);
  }

  std::span<const std::byte> own_tokens(const Level& level) const {
    return std::span{tokens_}.subspan(level.tokens_base);
  }

  Merkle merkle_;
  SmallStack<Level, 16> levels_;
  std::vector<std::byte> tokens_;  // of a list: since its last leaf; of a map: all, with keys
  std::vector<Digest> nodes_;      // of lists, higher ones first
  std::vector<Member> members_;    // of maps with more than one leaf
  std::vector<std::byte> leaf_;    // of such a map, while it is hashed
};

}  // namespace

std::string Digest::text() const {
  std::string text;
  for (const std::byte byte : bytes) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

std::optional<Digest> Digest::parse(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  Digest digest;
  if (text.size() != 2 * digest.bytes.size() || text.find_first_not_of(digits) != std::string_view::npos)
    return std::nullopt;
  for (std::size_t i = 0; i < digest.bytes.size(); ++i)
    digest.bytes[i] = static_cast<std::byte>(digits.find(text[2 * i]) << 4 | digits.find(text[2 * i + 1]));
  return digest;
}

Digest digest(const Value& value) { return Digester{}.run(value); }

}  // namespace theus
