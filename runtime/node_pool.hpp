#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace theus {

/// Memory for the nodes of the state tree: free lists by size over slabs that live as long as the pool, and an
/// allocation of its own for each large node (a very long key, very many keys of one hash).
/// Not thread-safe: it belongs to whoever holds the commit turn.
class NodePool {
public:
  static constexpr std::size_t pooled_bytes_max = 512;

  /// REQUIRES: 0 < bytes. The memory is aligned to 16 bytes. Throws bad_alloc.
  void* allocate(std::size_t bytes) {
    assert(bytes > 0);
    const std::size_t size_class = class_of(bytes);
    Free* const reused = is_pooled(bytes) ? free_[size_class] : nullptr;
    void* node = reused;
    if (reused != nullptr) [[likely]]
      free_[size_class] = reused->next;
    else
      node = allocate_fresh(bytes);
    live_bytes_ += size_class * step;
    return node;
  }
  void free(void* node, std::size_t bytes) noexcept {
    const std::size_t size_class = class_of(bytes);
    live_bytes_ -= size_class * step;
    if (is_pooled(bytes)) [[likely]]
      free_[size_class] = new (node) Free{free_[size_class]};
    else
      ::operator delete(node);
  }

  /// Bytes of the nodes that are allocated and not freed.
  std::size_t live_bytes() const noexcept { return live_bytes_; }

  ~NodePool();
  NodePool() = default;
  NodePool(const NodePool&) = delete;
  NodePool& operator=(const NodePool&) = delete;

private:
  static constexpr std::size_t step = 16;
  static constexpr std::size_t slab_bytes = 64 * 1024;

  struct Free {
    Free* next;
  };

  // Under AddressSanitizer every node is an allocation of its own, so that a use after its reclamation is seen.
  static bool is_pooled(std::size_t bytes) noexcept {
#if defined(__SANITIZE_ADDRESS__)
    static_cast<void>(bytes);
    return false;
#else
    return bytes <= pooled_bytes_max;
#endif
  }
  void* allocate_fresh(std::size_t bytes);

  static std::size_t class_of(std::size_t bytes) noexcept { return (bytes + step - 1) / step; }

  std::array<Free*, pooled_bytes_max / step + 1> free_{};
  std::vector<std::unique_ptr<std::byte[]>> slabs_;
  std::byte* fresh_ = nullptr;  // the unused rest of the newest slab
  std::size_t fresh_bytes_ = 0;
  std::size_t live_bytes_ = 0;
};

}  // namespace theus
