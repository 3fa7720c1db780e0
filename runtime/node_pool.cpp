#include "runtime/node_pool.hpp"

#include <cassert>
#include <new>

namespace theus {

// Under AddressSanitizer every node is an allocation of its own, so that a use after its reclamation is seen.
bool NodePool::is_pooled(std::size_t bytes) noexcept {
#if defined(__SANITIZE_ADDRESS__)
  static_cast<void>(bytes);
  return false;
#else
  return bytes <= pooled_bytes_max;
#endif
}

void* NodePool::allocate(std::size_t bytes) {
  assert(bytes > 0);
  const std::size_t size_class = class_of(bytes);
  const std::size_t rounded = size_class * step;
  void* node = nullptr;
  if (!is_pooled(bytes)) {
    node = ::operator new(rounded);
  } else if (Free* reused = free_[size_class]) {
    free_[size_class] = reused->next;
    node = reused;
  } else {
    if (fresh_bytes_ < rounded) {
      slabs_.push_back(std::make_unique_for_overwrite<std::byte[]>(slab_bytes));
      fresh_ = slabs_.back().get();
      fresh_bytes_ = slab_bytes;
    }
    node = fresh_;
    fresh_ += rounded;
    fresh_bytes_ -= rounded;
  }
  live_bytes_ += rounded;
  return node;
}

void NodePool::free(void* node, std::size_t bytes) noexcept {
  const std::size_t size_class = class_of(bytes);
  live_bytes_ -= size_class * step;
  if (!is_pooled(bytes))
    ::operator delete(node);
  else
    free_[size_class] = new (node) Free{free_[size_class]};
}

NodePool::~NodePool() { assert(live_bytes_ == 0); }

}  // namespace theus
