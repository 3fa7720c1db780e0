#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace theus {

/// What every node starts with. Its slots follow in memory: children, or in a leaf (height 0) items.
struct SequenceNode {
  std::atomic<std::uint32_t> references{1};
  std::uint8_t count = 0;
  std::uint8_t capacity = 0;
  std::uint8_t height = 0;
  std::uint8_t item_bytes = 0;
  union {
    std::size_t size = 0;
    SequenceNode* waiting;  // of a node that awaits its destruction: the one after it
  };

  SequenceNode** children() { return reinterpret_cast<SequenceNode**>(this + 1); }

  /// Gives up one reference. True when it was the last, so that the node is the caller's to destroy.
  bool drop() noexcept {
    // The acquire half pairs with the release half of the other owners: their reads precede the destruction.
    return references.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

  /// Frees the node itself; its slots are empty or belong to another node by now.
  void discard() noexcept {
    this->~SequenceNode();
    ::operator delete(this);
  }
};

/// Destroys a node without references and what only it holds, without recursion however deep that is.
void destroy(SequenceNode* node) noexcept;

}  // namespace theus
