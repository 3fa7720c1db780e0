#pragma once

#include "runtime/state_tree.hpp"

#include <theus/snapshot.hpp>

#include <vector>

namespace theus {

/// The state of a snapshot in pieces: each value that was written as one, with its path, and each empty map. Set one
/// after the other, they make the same state. What stands below the meta zone is left out, as it is from a journal.
class StateParts {
public:
  struct Part {
    Path path;
    Value value;
  };

  /// Holds the snapshot.
  explicit StateParts(Snapshot snapshot);

  /// In an order of its own; nothing at the end. May throw bad_alloc.
  std::optional<Part> next();

private:
  struct Level {
    Path path;  // of the map in which the slot stands
    Slot slot;
    std::uint32_t at = 0;  // in a trie
  };

  Snapshot snapshot_;
  std::vector<Level> levels_;
};

}  // namespace theus
