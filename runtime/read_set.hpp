#pragma once

#include <theus/path.hpp>

#include <vector>

namespace theus {

/// The paths that a transaction has read. Belongs to one thread.
class ReadSet {
public:
  /// A path may stand in it more than once; its length stays within twice the number of different ones, and a bit.
  void add(const Path& path);

  const std::vector<Path>& paths() const noexcept { return paths_; }
  std::vector<Path> take() && noexcept { return std::move(paths_); }

private:
  std::vector<Path> paths_;
  std::size_t settled_at_ = 1024;  // the size at which duplicates are taken out
};

}  // namespace theus
