#pragma once

// A persistent sequence: a counted B-tree of immutable, reference-counted nodes, the one structure behind
// lists (items by position) and maps (entries by position, kept sorted by their key).
//
// Invariants:
//   (1) A node with more than one reference is never changed; a change copies the nodes on its path. A node with a
//       single reference belongs to the caller alone and is changed in place, so building is amortised O(1).
//   (2) All leaves stand at height 0; every node but the root has 1 to 32 slots.
//   (3) `size` of an inner node is the sum of its children's.
//   (4) A sequence that was only built, appended to, replaced in and shortened at its end is left-full: every node but
//       those on its right edge has 32 slots.
//   (5) What a node remembers (its digest, the zones in it) is true of its contents: own() forgets it before a change.
// Nodes are allocated with room for `capacity` slots, so small sequences stay small.

#include "runtime/sequence_node.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace theus {

template <class Item>
class Sequence {
public:
  static constexpr unsigned fanout_bits = 5;
  static constexpr unsigned fanout = 1U << fanout_bits;

  struct Node : SequenceNode {
    Item* items() { return reinterpret_cast<Item*>(this + 1); }
    const Item* items() const { return reinterpret_cast<const Item*>(this + 1); }
    Node** children() { return reinterpret_cast<Node**>(this + 1); }
    Node* const* children() const { return reinterpret_cast<Node* const*>(this + 1); }
  };
  static_assert(sizeof(Node) == sizeof(SequenceNode) && sizeof(Node) % alignof(Item) == 0);
  static_assert(std::is_nothrow_copy_constructible_v<Item> && std::is_nothrow_move_assignable_v<Item>);

  /// A run of neighbouring items inside one leaf.
  struct Run {
    const Item* first;
    const Item* last;
  };

  static void retain(Node* node) noexcept { node->references.fetch_add(1, std::memory_order_relaxed); }

  static void release(Node* node) noexcept {
    if (node->drop())
      destroy(node);
  }

  /// The leaf run that starts at `index`. REQUIRES: index < size.
  static Run run_at(const Node* node, std::size_t index) noexcept {
    assert(index < node->size);
    while (node->height > 0)
      node = node->children()[child_at(node, index)];
    return {node->items() + index, node->items() + node->count};
  }

  /// The number of items for which `before(item)` holds. REQUIRES: those stand first.
  template <class Before>
  static std::size_t partition_point(const Node* node, const Before& before) noexcept {
    std::size_t passed = 0;
    while (node->height > 0) {
      unsigned low = 0;
      unsigned high = node->count;
      while (high - low > 1) {
        const unsigned middle = (low + high) / 2;
        (before(first_item(node->children()[middle])) ? low : high) = middle;
      }
      for (unsigned i = 0; i < low; ++i)
        passed += node->children()[i]->size;
      node = node->children()[low];
    }
    const Item* end = node->items() + node->count;
    return passed + static_cast<std::size_t>(std::partition_point(node->items(), end, before) - node->items());
  }

  /// A sequence of all the items, which are moved from, in O(n).
  static Node* build(std::span<Item> items) {
    if (items.empty())
      return nullptr;
    unsigned height = 0;
    for (std::size_t rest = (items.size() - 1) >> fanout_bits; rest > 0; rest >>= fanout_bits)
      ++height;
    return build_node(items, height).release();
  }

  // The commands below change the sequence in `root` (nullptr: the empty one). When memory runs out they throw
  // bad_alloc and `root` holds what it held: every allocation precedes the first change that would need undoing.

  static void append(Node*& root, Item item) {
    if (root == nullptr) {
      root = twig(0, std::move(item)).release();
      return;
    }
    const unsigned height = height_with_room(root);
    Path path;
    if (height == 0) {
      Node* leaf = own_right_edge(root, height, path);
      emplace(leaf, leaf->count, std::move(item));
    } else {
      Owner right = twig(height - 1, std::move(item));
      if (height > root->height)
        add_level(root);
      Node* node = own_right_edge(root, height, path);
      node->children()[node->count++] = right.release();
    }
    path.add_to_sizes(1);
  }

  static void insert(Node*& root, std::size_t index, Item item) {
    if (root == nullptr || index == root->size) {
      append(root, std::move(item));
      return;
    }
    if (root->count == fanout)
      add_level(root);
    Path path;
    root = own(root, 1);
    Node* node = path.push(root);
    while (node->height > 0) {
      std::size_t within = index;
      unsigned at = child_at(node, within);
      if (node->children()[at]->count == fanout) {
        split_child(node, at);
        within = index;
        at = child_at(node, within);
      }
      Node*& child = node->children()[at];
      child = own(child, 1);
      node = path.push(child);
      index = within;
    }
    emplace(node, index, std::move(item));
    path.add_to_sizes(1);
  }

  static void replace(Node*& root, std::size_t index, Item item) {
    root = own(root);
    Node* node = root;
    while (node->height > 0) {
      Node*& child = node->children()[child_at(node, index)];
      child = own(child);
      node = child;
    }
    node->items()[index] = std::move(item);
  }

  static void erase(Node*& root, std::size_t index) {
    Path path;
    root = own(root);
    Node* node = path.push(root);
    while (node->height > 0) {
      std::size_t within = index;
      merge_thin(node, child_at(node, within));
      within = index;
      Node*& child = node->children()[child_at(node, within)];
      child = own(child);
      node = path.push(child);
      index = within;
    }
    std::move(node->items() + index + 1, node->items() + node->count, node->items() + index);
    std::destroy_at(node->items() + node->count - 1);
    --node->count;
    path.add_to_sizes(-1);
    path.drop_empty();
    if (root->size == 0) {
      release(std::exchange(root, nullptr));
      return;
    }
    while (root->height > 0 && root->count == 1) {
      Node* only = root->children()[0];
      retain(only);
      release(std::exchange(root, only));
    }
  }

private:
  struct Release {
    void operator()(Node* node) const noexcept { release(node); }
  };
  using Owner = std::unique_ptr<Node, Release>;

  // The nodes from the root to a leaf, all of the caller's own.
  class Path {
  public:
    Node* push(Node* node) {
      assert(length_ < nodes_.size());
      return nodes_[length_++] = node;
    }
    void add_to_sizes(std::ptrdiff_t change) {
      for (std::size_t i = 0; i < length_; ++i)
        nodes_[i]->size = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(nodes_[i]->size) + change);
    }
    // Takes nodes that hold nothing any more out of their parents.
    void drop_empty() {
      for (std::size_t i = length_ - 1; i > 0 && nodes_[i]->count == 0; --i) {
        Node* parent = nodes_[i - 1];
        Node** end = parent->children() + parent->count;
        Node** hole = std::find(parent->children(), end, nodes_[i]);
        std::copy(hole + 1, end, hole);
        --parent->count;
        nodes_[i]->discard();
      }
    }

  private:
    std::array<Node*, 24> nodes_;  // 24 levels outlast any memory
    std::size_t length_ = 0;
  };

  static const Item& first_item(const Node* node) noexcept {
    while (node->height > 0)
      node = node->children()[0];
    return node->items()[0];
  }

  /// The child that holds `index`, which becomes relative to it; an index at the end belongs to the last child.
  static unsigned child_at(const Node* node, std::size_t& index) noexcept {
    unsigned i = 0;
    for (; i + 1 < node->count && index >= node->children()[i]->size; ++i)
      index -= node->children()[i]->size;
    return i;
  }

  /// The height of the lowest node on the right edge that has a free slot; above the root when there is none.
  static unsigned height_with_room(const Node* root) noexcept {
    unsigned height = root->height + 1U;
    for (const Node* node = root;; node = node->children()[node->count - 1]) {
      if (node->count < fanout)
        height = node->height;
      if (node->height == 0)
        return height;
    }
  }

  static Node* allocate(unsigned height, unsigned capacity) {
    const std::size_t slot = height > 0 ? sizeof(Node*) : sizeof(Item);
    auto* node = new (::operator new(sizeof(Node) + capacity * slot)) Node;
    node->height = height & 0x1fU;
    node->capacity = static_cast<std::uint8_t>(capacity);
    node->item_words = sizeof(Item) / 8;
    return node;
  }

  static Owner build_node(std::span<Item> items, unsigned height) {
    const std::size_t slot_items = std::size_t{1} << (fanout_bits * height);
    Owner node{allocate(height, static_cast<unsigned>((items.size() + slot_items - 1) / slot_items))};
    if (height == 0) {
      std::uninitialized_move_n(items.data(), items.size(), node->items());
      node->count = static_cast<std::uint8_t>(items.size());
      node->size = items.size();
      return node;
    }
    while (!items.empty()) {
      const auto head = items.first(std::min(slot_items, items.size()));
      Owner child = build_node(head, height - 1);
      node->children()[node->count++] = child.release();
      node->size += head.size();
      items = items.subspan(head.size());
    }
    return node;
  }

  /// A tree of that height that holds one item.
  static Owner twig(unsigned height, Item item) {
    Owner node{allocate(0, height > 0 ? fanout : 4)};
    emplace(node.get(), 0, std::move(item));
    node->size = 1;
    while (node->height < height) {
      Owner above{allocate(node->height + 1U, 4)};
      above->children()[above->count++] = node.release();
      above->size = 1;
      node = std::move(above);
    }
    return node;
  }

  /// A node equal to `node` that the caller may change, with room for `room` more slots up to the fanout.
  static Node* own(Node* node, unsigned room = 0) {
    const bool alone = node->references.load(std::memory_order_acquire) == 1;  // pairs with drop()
    const unsigned wanted = node->count + room;
    if (alone && wanted <= node->capacity) {
      node->forget();
      return node;
    }
    Node* copy = allocate(node->height, alone ? std::min(fanout, 2 * wanted) : wanted);
    copy->count = node->count;
    copy->size = node->size;
    if (node->height > 0) {
      std::copy_n(node->children(), node->count, copy->children());
      if (!alone)
        std::for_each_n(copy->children(), copy->count, retain);
    } else if (alone) {
      std::uninitialized_move_n(node->items(), node->count, copy->items());
      std::destroy_n(node->items(), node->count);
    } else {
      std::uninitialized_copy_n(node->items(), node->count, copy->items());
    }
    if (alone)
      node->discard();
    else
      release(node);
    return copy;
  }

  // Makes the nodes of the right edge the caller's, down to that height where there will be room for one more slot.
  static Node* own_right_edge(Node*& root, unsigned height, Path& path) {
    root = own(root, root->height == height ? 1 : 0);
    Node* node = path.push(root);
    while (node->height > height) {
      Node*& child = node->children()[node->count - 1];
      child = own(child, child->height == height ? 1 : 0);
      node = path.push(child);
    }
    return node;
  }

  // Shifts the slots from `at` on and puts the item there. REQUIRES: a leaf of the caller's own, with room.
  static void emplace(Node* leaf, std::size_t at, Item item) {
    Item* items = leaf->items();
    if (at == leaf->count) {
      new (items + at) Item(std::move(item));
    } else {
      new (items + leaf->count) Item(std::move(items[leaf->count - 1]));
      std::move_backward(items + at, items + leaf->count - 1, items + leaf->count);
      items[at] = std::move(item);
    }
    ++leaf->count;
  }

  // Puts a one-child level above a full root, so that the root can be split like any child.
  static void add_level(Node*& root) {
    Node* top = allocate(root->height + 1U, 4);
    top->children()[0] = root;
    top->count = 1;
    top->size = root->size;
    root = top;
  }

  // Moves the upper half of the full child `at` into a new right neighbour.
  // REQUIRES: a node of the caller's own, with room for one more child.
  static void split_child(Node* node, unsigned at) {
    Node*& child = node->children()[at];
    child = own(child);
    constexpr unsigned keep = fanout / 2;
    constexpr unsigned moved = fanout - keep;
    Node* right = allocate(child->height, fanout);
    if (child->height > 0) {
      std::copy_n(child->children() + keep, moved, right->children());
      for (unsigned i = 0; i < moved; ++i)
        right->size += right->children()[i]->size;
    } else {
      std::uninitialized_move_n(child->items() + keep, moved, right->items());
      std::destroy_n(child->items() + keep, moved);
      right->size = moved;
    }
    right->count = moved;
    child->count = keep;
    child->size -= right->size;
    Node** children = node->children();
    std::move_backward(children + at + 1, children + node->count, children + node->count + 1);
    children[at + 1] = right;
    ++node->count;
  }

  // Joins a thin child with its neighbour when both fit into one node, so that erasing many items frees memory.
  static void merge_thin(Node* node, unsigned at) {
    Node** children = node->children();
    if (children[at]->count >= fanout / 4 || node->count < 2)
      return;
    const unsigned left = at + 1 < node->count ? at : at - 1;
    if (children[left]->count + children[left + 1]->count > static_cast<int>(fanout))
      return;
    Node* into = children[left] = own(children[left], children[left + 1]->count);
    Node* from = children[left + 1] = own(children[left + 1]);
    if (into->height > 0) {
      std::copy_n(from->children(), from->count, into->children() + into->count);
    } else {
      std::uninitialized_move_n(from->items(), from->count, into->items() + into->count);
      std::destroy_n(from->items(), from->count);
    }
    into->count = static_cast<std::uint8_t>(into->count + from->count);
    into->size += from->size;
    from->discard();
    std::copy(children + left + 2, children + node->count, children + left + 1);
    --node->count;
  }
};

}  // namespace theus
