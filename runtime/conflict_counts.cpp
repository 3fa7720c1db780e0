#include "runtime/conflict_counts.hpp"

#include <algorithm>
#include <new>

namespace theus {

void ConflictCounts::add(const Path& path) noexcept try {
  const std::lock_guard lock{mutex_};
  const auto found = counts_.find(path);
  if (found != counts_.end())
    ++found->second;
  else if (counts_.size() < paths_max)
    counts_.emplace(path, 1);
  else
    ++others_;
} catch (const std::bad_alloc&) {
}

std::vector<PathConflicts> ConflictCounts::most_frequent() const {
  std::vector<PathConflicts> all;
  {
    const std::lock_guard lock{mutex_};
    for (const auto& [path, count] : counts_)
      all.push_back({path.text(), count});
    if (others_ > 0)
      all.push_back({"*", others_});
  }
  std::ranges::stable_sort(all, std::greater{}, &PathConflicts::count);
  return all;
}

}  // namespace theus
