#pragma once

#include <theus/version.hpp>

#include <chrono>
#include <cstddef>

namespace theus {

/// What the state costs, and what is kept for snapshots of versions that have been replaced. Bytes of values are an
/// estimate: what several share counts for each.
struct StateStatistics {
  Version version = 0;
  std::size_t node_bytes = 0;               ///< of the tree, retained nodes included, values not
  std::size_t retained_bytes = 0;           ///< kept for old snapshots only
  std::size_t retained_versions = 0;        ///< old versions that somebody holds
  Version oldest_version = 0;               ///< of them; 0 when there is none
  std::chrono::milliseconds oldest_age{0};  ///< since it was first found replaced
};

}  // namespace theus
