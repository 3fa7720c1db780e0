#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace theus {

/// The digest of a part of a list, kept where it was computed; see <theus/digest.hpp>.
using NodeDigest = std::array<std::byte, 32>;

/// What every node starts with. Its slots follow in memory: children, or in a leaf (height 0) items.
struct SequenceNode {
  std::atomic<std::uint32_t> references{1};
  std::uint8_t count = 0;
  std::uint8_t capacity = 0;
  std::uint8_t height : 5 = 0;
  std::uint8_t item_words : 3 = 0;     // of eight bytes
  std::atomic<std::uint8_t> zones{0};  // of the contents, see zones_in(); 0 until somebody asked
  union {
    std::size_t size = 0;
    SequenceNode* waiting;  // of a node that awaits its destruction: the one after it
  };
  std::atomic<NodeDigest*> digest{nullptr};  // of the contents as they are; nullptr until somebody asked

  SequenceNode** children() { return reinterpret_cast<SequenceNode**>(this + 1); }

  /// Gives up one reference. True when it was the last, so that the node is the caller's to destroy.
  bool drop() noexcept {
    // The acquire half pairs with the release half of the other owners: their reads precede the destruction.
    return references.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

  /// To be called before the contents change. REQUIRES: the caller is the only owner.
  void forget() noexcept {
    zones.store(0, std::memory_order_relaxed);
    if (digest.load(std::memory_order_relaxed) != nullptr)
      delete digest.exchange(nullptr, std::memory_order_relaxed);
  }

  /// Frees the node itself; its slots are empty or belong to another node by now.
  void discard() noexcept {
    delete digest.load(std::memory_order_relaxed);
    this->~SequenceNode();
    ::operator delete(this);
  }
};

/// Destroys a node without references and what only it holds, without recursion however deep that is.
void destroy(SequenceNode* node) noexcept;

}  // namespace theus
