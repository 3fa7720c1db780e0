#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace theus {

/// Memory for the nodes of the state tree: free lists by size over slabs that live as long as the pool, and an
/// allocation of its own for each large node (a very long key, very many keys of one hash).
/// Not thread-safe: it belongs to whoever holds the commit turn.
class NodePool {
public:
  static constexpr std::size_t pooled_bytes_max = 512;

  /// REQUIRES: 0 < bytes. The memory is aligned to 16 bytes. Throws bad_alloc.
  void* allocate(std::size_t bytes);
  void free(void* node, std::size_t bytes) noexcept;

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

  static bool is_pooled(std::size_t bytes) noexcept;
  static std::size_t class_of(std::size_t bytes) noexcept { return (bytes + step - 1) / step; }

  std::array<Free*, pooled_bytes_max / step + 1> free_{};
  std::vector<std::unique_ptr<std::byte[]>> slabs_;
  std::byte* fresh_ = nullptr;  // the unused rest of the newest slab
  std::size_t fresh_bytes_ = 0;
  std::size_t live_bytes_ = 0;
};

}  // namespace theus
