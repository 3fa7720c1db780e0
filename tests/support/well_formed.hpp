#pragma once

#include "runtime/value_build.hpp"
#include "runtime/value_node.hpp"

namespace theus::testing {

/// Whether a node and all below it keep the invariants of sequence.hpp.
inline bool is_well_formed(SequenceNode* node, bool is_root = true) {
  if (node->references == 0 || node->count > node->capacity || node->capacity > List::fanout ||
      (node->count == 0 && !is_root))
    return false;
  if (node->height == 0)
    return node->size == node->count;
  std::size_t sum = 0;
  for (unsigned i = 0; i < node->count; ++i) {
    SequenceNode* child = node->children()[i];
    if (child->height + 1 != node->height || !is_well_formed(child, false))
      return false;
    sum += child->size;
  }
  return sum == node->size;
}

/// Whether a value is built as it should be: its own nodes, and the order of its keys.
inline bool is_well_formed(const Value& value) {
  if (!is_container(value))
    return true;
  if (root_of(value) != nullptr && !is_well_formed(root_of(value)))
    return false;
  std::string_view before;
  bool is_first = true;
  for (const auto [key, item] : value.members()) {
    if (!is_first && !key_before(before, key))
      return false;
    before = key;
    is_first = false;
  }
  return true;
}

}  // namespace theus::testing
