#include "tests/support/recorded_turn.hpp"

#include <cassert>

namespace theus::testing {

RegisterPaths::RegisterPaths(const History& shape) : children_(shape.paths()) {
  for (PathId id = 0; id < shape.paths(); ++id) {
    const PathId parent = shape.parent(id);
    const std::string key = id == 0 ? "domain" : "p" + std::to_string(id);
    paths_.push_back(parent == no_path ? Path{key} : paths_[parent].key(key));
    ids_.emplace(paths_.back().text(), id);
    if (parent != no_path)
      children_[parent].push_back(id);
  }
}

void RegisterPaths::gather(const Value& value, PathId id, std::vector<Seen>& seen) const {
  if (children_[id].empty())
    return seen.push_back({id, value.as_int()});
  seen.push_back({id, 0});
  for (const PathId child : children_[id])
    if (const Value* member = value.find(paths_[child].segments().back().key))
      gather(*member, child, seen);
}

std::vector<Seen> RegisterPaths::seen(const Snapshot& snapshot, PathId id) const {
  std::vector<Seen> seen;
  if (const auto value = snapshot.find(paths_[id]))
    gather(*value, id, seen);
  return seen;
}

std::vector<Path> RegisterPaths::paths(std::span<const PathId> ids) const {
  std::vector<Path> paths;
  for (const PathId id : ids)
    paths.push_back(paths_[id]);
  return paths;
}

std::vector<Write> RegisterPaths::writes(std::span<const Change> changes) const {
  std::vector<Write> writes;
  for (const Change& change : changes) {
    const Path& path = paths_[change.path];
    switch (change.kind) {
      case Change::Kind::set: writes.push_back(Write::set(path, change.value)); break;
      case Change::Kind::erase: writes.push_back(Write::erase(path)); break;
      case Change::Kind::increment: writes.push_back(Write::increment(path, change.value)); break;
    }
  }
  return writes;
}

Answer RegisterPaths::answer(const Outcome& outcome) const {
  if (outcome)
    return {Operation::Outcome::ok, *outcome};
  const Error& error = outcome.error();
  if (error.code() != Errc::version_mismatch)
    raise(error);
  return {Operation::Outcome::mismatch, static_cast<std::uint64_t>(error.field("actual")->as_int()),
          id(std::string{error.field("path")->as_string()})};
}

Observation RecordedTurn::observe(std::span<const PathId> paths) const {
  const Snapshot snapshot = turn_.snapshot();
  Observation observation{snapshot.version(), {}};
  for (const PathId path : paths)
    observation.seen.push_back(registers_.seen(snapshot, path));
  return observation;
}

Answer RecordedTurn::swap(const History::Wish& wish) {
  const auto reads = registers_.paths(wish.reads);
  const auto writes = registers_.writes(wish.changes);
  return registers_.answer(turn_.commit(ProposalView{wish.base, false, reads, writes, {}}));
}

Observation RecordedOverlays::observe(std::span<const PathId> paths) {
  const Snapshot snapshot = turn_.snapshot();
  keep(snapshot);
  Observation observation{snapshot.version(), {}};
  for (const PathId path : paths)
    observation.seen.push_back(registers_.seen(snapshot, path));
  return observation;
}

Answer RecordedOverlays::swap(const History::Wish& wish) {
  std::vector<Path> reads;
  Overlay overlay{snapshots_.at(wish.base), [&](const Path& path) { reads.push_back(path); }};
  for (const PathId path : wish.reads)
    overlay.find(registers_.path(path));
  for (const Write& write : registers_.writes(wish.changes))
    overlay.write(write).value();
  const auto writes = overlay.writes();
  return registers_.answer(turn_.commit(ProposalView{wish.base, false, reads, writes, {}}));
}

}  // namespace theus::testing
