#pragma once

#include "runtime/state_tree.hpp"

#include <theus/snapshot.hpp>

namespace theus {

/// The tree behind a snapshot, for the code that knows its form.
class SnapshotAccess {
public:
  static const Root& root(const Snapshot& snapshot) noexcept { return *snapshot.root_; }
  static bool has_private(const Snapshot& snapshot) noexcept { return root(snapshot).map.zones.has(Zone::internal); }
  /// The same, but pins nothing: for as long as the other lives. Nobody counts, so threads do not wait for each other.
  static Snapshot lent(const Snapshot& snapshot) noexcept {
    Snapshot lent{*snapshot.memory_, snapshot.pin_, *snapshot.root_};
    lent.memory_ = nullptr;
    return lent;
  }
  /// Private members included.
  static std::optional<Value> find(const Snapshot& snapshot, const Path& path) { return read(root(snapshot), path); }
};

}  // namespace theus
