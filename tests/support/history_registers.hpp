#pragma once

#include "tests/support/history.hpp"

namespace theus::testing {

/// The registers at one version, with the version of the last change at or below each path.
class Registers {
public:
  explicit Registers(const History& history)
      : history_(&history), values_(history.paths(), 0), present_(history.paths(), 0), changed_(history.paths(), 0) {}

  std::uint64_t changed(PathId path) const { return changed_[path]; }
  std::uint32_t present(PathId path) const { return present_[path]; }
  bool holds(const Seen& seen) const { return present_[seen.path] != 0 && values_[seen.path] == seen.value; }

  bool would_change(const Change& change) const {
    switch (change.kind) {
      case Change::Kind::set: return !holds({change.path, change.value});
      case Change::Kind::erase: return present_[change.path] != 0;
      case Change::Kind::increment: return present_[change.path] == 0 || change.value != 0;
    }
    return false;
  }

  void apply(const Change& change, std::uint64_t version) {
    if (!would_change(change))
      return;
    if (change.kind == Change::Kind::erase)
      return erase(change.path, version);
    const bool was_present = present_[change.path] != 0;
    const bool adds = change.kind == Change::Kind::increment && was_present;
    values_[change.path] = adds ? values_[change.path] + change.value : change.value;
    mark(change.path, version, was_present ? 0U : 1U);
  }

private:
  void erase(PathId path, std::uint64_t version) {
    const std::uint32_t erased = present_[path];
    // Children have higher numbers than their parents, so one pass from here on finds all that stand below.
    std::uint32_t left = erased - 1;
    for (PathId below = path + 1; left > 0; ++below)
      if (present_[below] != 0 && history_->covers(path, below)) {
        changed_[below] = version;
        present_[below] = 0;
        --left;
      }
    mark(path, version, 0 - erased);
  }

  void mark(PathId path, std::uint64_t version, std::uint32_t added) {
    for (; path != no_path; path = history_->parent(path)) {
      const bool appears = present_[path] == 0 && !history_->is_leaf(path);
      added += appears ? 1 : 0;
      changed_[path] = version;
      present_[path] += added;
    }
  }

  const History* history_;
  std::vector<std::int64_t> values_;
  std::vector<std::uint32_t> present_;  // paths at or below
  std::vector<std::uint64_t> changed_;
};

}  // namespace theus::testing
