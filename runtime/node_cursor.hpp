#pragma once

#include "runtime/small_stack.hpp"
#include "runtime/value_node.hpp"

namespace theus {

/// A position in a list or map that rests at the largest subtree which begins there, so that two cursors can pass what
/// both sequences share as a whole. Walks from the front or, for a suffix, from the end.
class NodeCursor {
public:
  enum class From : std::uint8_t { front, end };

  NodeCursor(const Value& container, From from) noexcept : from_(from) {
    if (SequenceNode* root = root_of(container))
      open(root);
  }

  bool at_end() const noexcept { return levels_.empty(); }

  /// Levels of nodes below this position; 0 at an item. REQUIRES for all below: !at_end().
  unsigned height() const noexcept { return levels_.top().node->height; }
  /// The subtree that begins here. REQUIRES: height() > 0.
  SequenceNode* subtree() const noexcept { return levels_.top().node->children()[levels_.top().at]; }
  /// To the first item of the subtree, or of its first subtree.
  void enter() { open(subtree()); }
  void enter_all() {
    while (height() > 0)
      enter();
  }

  // REQUIRES: height() == 0.
  const Value& item() const noexcept { return List::run_at(leaf<List>(), levels_.top().at).first[0]; }
  const Entry& entry() const noexcept { return Map::run_at(leaf<Map>(), levels_.top().at).first[0]; }

  /// Past the item or the subtree.
  void advance() noexcept {
    while (!levels_.empty() && !step(levels_.top()))
      levels_.pop();
  }

private:
  struct Level {
    SequenceNode* node;
    std::size_t at;
  };

  void open(SequenceNode* node) { levels_.push({node, from_ == From::front ? 0 : node->count - std::size_t{1}}); }

  bool step(Level& level) const noexcept {
    if (from_ == From::end)
      return level.at-- > 0;
    return ++level.at < level.node->count;
  }

  template <class Sequence>
  const typename Sequence::Node* leaf() const noexcept {
    return static_cast<const typename Sequence::Node*>(levels_.top().node);
  }

  From from_;
  SmallStack<Level, 8> levels_;
};

/// Moves both cursors to the next items that do not stand in a subtree that both share, but over at most `items_max`
/// items; returns over how many. One of them may be at its end then.
inline std::size_t skip_shared(NodeCursor& a, NodeCursor& b, std::size_t items_max = SIZE_MAX) {
  std::size_t skipped = 0;
  while (!a.at_end() && !b.at_end() && (a.height() > 0 || b.height() > 0)) {
    if (a.height() != b.height()) {
      (a.height() > b.height() ? a : b).enter();
    } else if (a.subtree() == b.subtree() && a.subtree()->size <= items_max - skipped) {
      skipped += a.subtree()->size;
      a.advance();
      b.advance();
    } else {
      a.enter();
      b.enter();
    }
  }
  return skipped;
}

}  // namespace theus
