#pragma once

#include "runtime/diff_recorder.hpp"
#include "runtime/state_tree.hpp"

namespace theus {

/// What stands at one place of a state: a map with versions of its own, or a value; or nothing.
struct TreePart {
  const MapPart* map = nullptr;
  const Value* value = nullptr;

  bool is_absent() const noexcept { return map == nullptr && value == nullptr; }
};

TreePart part_at(const Root& root, std::span<const Segment> path) noexcept;

/// Records where the two parts differ. Nodes that both trees share are skipped.
void compare(DiffRecorder& recorder, const TreePart& before, const TreePart& after);

}  // namespace theus
