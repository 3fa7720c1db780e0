#include "runtime/state_difference.hpp"

#include "runtime/snapshot_access.hpp"
#include "runtime/state_parts.hpp"

#include <unordered_set>

namespace theus {
namespace {

/// What must go so that the parts of `after` can be set where this part of the state before stands; nothing: it may
/// stay, or is replaced as a whole.
std::optional<Path> in_the_way(const StateParts::Part& part, const Root& after) {
  for (std::size_t depth = 1; depth <= part.path.size(); ++depth) {
    const Path path = part.path.prefix(depth);
    const Place place = locate(after, path.segments());
    if (!place.exists)
      return path;
    if (place.value != nullptr)
      return std::nullopt;
  }
  const bool is_empty_map = part.value.is_map() && part.value.empty();
  return is_empty_map ? std::nullopt : std::optional{part.path};
}

}  // namespace

std::vector<Write> writes_between(const Snapshot& before, const Snapshot& after) {
  std::vector<Write> writes;
  std::unordered_set<Path> gone;
  StateParts parts_before{before, MetaZone::kept};
  while (const auto part = parts_before.next())
    if (auto path = in_the_way(*part, SnapshotAccess::root(after)); path && gone.insert(*path).second)
      writes.push_back(Write::erase(*std::move(path)));
  StateParts parts_after{after, MetaZone::kept};
  while (auto part = parts_after.next())
    writes.push_back(Write::set(std::move(part->path), std::move(part->value)));
  return writes;
}

}  // namespace theus
