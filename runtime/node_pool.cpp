#include "runtime/node_pool.hpp"

namespace theus {

void* NodePool::allocate_fresh(std::size_t bytes) {
  const std::size_t rounded = class_of(bytes) * step;
  if (!is_pooled(bytes))
    return ::operator new(rounded);
  if (fresh_bytes_ < rounded) {
    slabs_.push_back(std::make_unique_for_overwrite<std::byte[]>(slab_bytes));
    fresh_ = slabs_.back().get();
    fresh_bytes_ = slab_bytes;
  }
  void* node = fresh_;
  fresh_ += rounded;
  fresh_bytes_ -= rounded;
  return node;
}

NodePool::~NodePool() { assert(live_bytes_ == 0); }

}  // namespace theus
