#include "runtime/read_set.hpp"

#include <algorithm>

namespace theus {

void ReadSet::add(const Path& path) {
  // A loop that reads the same few paths again should not make the set long; a duplicate does no harm.
  constexpr std::ptrdiff_t window = 16;
  const auto recent = paths_.end() - std::min<std::ptrdiff_t>(window, std::ssize(paths_));
  if (std::find(recent, paths_.end(), path) != paths_.end())
    return;
  if (paths_.size() == settled_at_) {
    std::ranges::sort(paths_);
    paths_.erase(std::unique(paths_.begin(), paths_.end()), paths_.end());
    settled_at_ = std::max(settled_at_, 2 * paths_.size());
  }
  paths_.push_back(path);
}

}  // namespace theus
