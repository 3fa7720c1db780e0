#pragma once

#include "runtime/state_tree.hpp"

#include <theus/snapshot.hpp>

#include <vector>

namespace theus {

/// Whether what stands below the meta zone goes along; journals leave it out.
enum class MetaZone : std::uint8_t { left_out, kept };

/// The state of a snapshot in pieces: each value that was written as one, with its path, and each empty map. Set one
/// after the other, they make the same state.
class StateParts {
public:
  struct Part {
    Path path;
    Value value;
  };

  /// Holds the snapshot.
  explicit StateParts(Snapshot snapshot, MetaZone meta = MetaZone::left_out);

  /// In an order of its own; nothing at the end. May throw bad_alloc.
  std::optional<Part> next();

private:
  struct Level {
    Path path;  // of the map in which the slot stands
    Slot slot;
    std::uint32_t at = 0;  // in a trie
  };

  Snapshot snapshot_;
  const MetaZone meta_;
  std::vector<Level> levels_;
};

}  // namespace theus
