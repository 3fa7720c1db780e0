#include "tests/support/register_paths.hpp"

#include "runtime/value_path.hpp"

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

std::vector<Seen> RegisterPaths::seen(const std::optional<Value>& found, PathId id) const {
  std::vector<Seen> seen;
  if (found)
    gather(*found, id, seen);
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
  while (!changes.empty()) {
    const Change change = changes.front();
    changes = changes.subspan(1);
    if (!changes.empty() && is_below(change.path, changes.front().path)) {
      Value content = Value::map();
      for (; !changes.empty() && is_below(change.path, changes.front().path); changes = changes.subspan(1))
        content = with(content, paths_[changes.front().path].segments().subspan(paths_[change.path].size()),
                       changes.front().value)
                      .value();
      writes.push_back(Write::set(paths_[change.path], std::move(content)));
      continue;
    }
    const Path& path = paths_[change.path];
    switch (change.kind) {
      case Change::Kind::set: writes.push_back(Write::set(path, change.value)); break;
      case Change::Kind::erase: writes.push_back(Write::erase(path)); break;
      case Change::Kind::increment: writes.push_back(Write::increment(path, change.value)); break;
    }
  }
  return writes;
}

Answer RegisterPaths::answer(const Result<Version>& outcome) const {
  if (outcome)
    return {Operation::Outcome::ok, *outcome};
  const Error& error = outcome.error();
  if (error.code() != Errc::version_mismatch)
    raise(error);
  return {Operation::Outcome::mismatch, static_cast<std::uint64_t>(error.field("actual")->as_int()),
          id(std::string{error.field("path")->as_string()})};
}

}  // namespace theus::testing
