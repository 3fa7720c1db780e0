#pragma once

#include <theus/path.hpp>
#include <theus/statistics.hpp>

#include <map>
#include <mutex>

namespace theus {

/// Which paths made commits fail, and how often. Thread-safe. The first thousand paths are counted one by one.
class ConflictCounts {
public:
  static constexpr std::size_t paths_max = 1000;

  /// Counts nothing when memory is out.
  void add(const Path& path) noexcept;
  /// The most frequent first, by path where they are equal.
  std::vector<PathConflicts> most_frequent() const;

private:
  mutable std::mutex mutex_;
  std::map<Path, std::uint64_t> counts_;  // guarded by mutex_
  std::uint64_t others_ = 0;              // guarded by mutex_
};

}  // namespace theus
