#pragma once

#include "tests/support/fake_turn.hpp"

#include <theus/snapshot.hpp>
#include <theus/write.hpp>

#include <string>
#include <unordered_map>
#include <vector>

namespace theus::testing {

/// The registers of a history as paths of a state: 0 is "domain", below it "domain.p1" and so on.
class RegisterPaths {
public:
  explicit RegisterPaths(const History& shape);

  const Path& path(PathId id) const { return paths_[id]; }
  PathId id(const std::string& text) const { return ids_.at(text); }
  /// The paths present at and below the path, where that value was found.
  std::vector<Seen> seen(const std::optional<Value>& found, PathId id) const;
  std::vector<Path> paths(std::span<const PathId> ids) const;
  /// An erase that is followed by sets below it becomes one set of its path.
  std::vector<Write> writes(std::span<const Change> changes) const;
  Answer answer(const Result<Version>& outcome) const;

private:
  bool is_below(PathId above, PathId path) const { return above != path && paths_[above].covers(paths_[path]); }
  void gather(const Value& value, PathId id, std::vector<Seen>& seen) const;

  std::vector<Path> paths_;
  std::vector<std::vector<PathId>> children_;
  std::unordered_map<std::string, PathId> ids_;
};

}  // namespace theus::testing
