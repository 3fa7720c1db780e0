#pragma once

#include <theus/snapshot.hpp>

namespace theus {

/// The tree behind a snapshot, for the code that knows its form.
class SnapshotAccess {
public:
  static const Root& root(const Snapshot& snapshot) noexcept { return *snapshot.root_; }
};

}  // namespace theus
