#include "runtime/state_tree.hpp"

#include "runtime/value_path.hpp"

namespace theus {
namespace {

Value value_of(const Cell& cell) { return cell.is_map ? gather(cell.map) : cell.value; }

/// Calls pass(depth, cell) for each cell on the way.
template <class Pass>
Place walk(const Root& root, std::span<const Segment> path, const Pass& pass) noexcept {
  Place place;
  const MapPart* map = &root.map;
  for (; place.depth < path.size(); ++place.depth) {
    const Segment& segment = path[place.depth];
    const Cell* child = segment.is_index() ? nullptr : find_child(*map, segment.key, segment.hash);
    if (child == nullptr)
      return place;
    pass(place.depth, child);
    place.cell = child;
    if (!child->is_map) {
      ++place.depth;
      place.value = place.depth == path.size() ? &child->value : find_in(child->value, path.subspan(place.depth));
      place.exists = place.value != nullptr;
      return place;
    }
    map = &child->map;
  }
  place.exists = true;
  return place;
}

}  // namespace

Place locate(const Root& root, std::span<const Segment> path) noexcept {
  return walk(root, path, [](std::size_t, const Cell*) {});
}

Place locate(const Root& root, std::span<const Segment> path, Way& way) noexcept {
  return walk(root, path, [&](std::size_t depth, const Cell* cell) { way[depth] = cell; });
}

std::optional<Value> read(const Root& root, const Path& path) {
  const Place place = locate(root, path.segments());
  if (!place.exists)
    return std::nullopt;
  if (place.value != nullptr)
    return *place.value;
  return gather(place.cell == nullptr ? root.map : place.cell->map);
}

Version last_change(const Root& root, std::span<const Segment> path) noexcept {
  const Place place = locate(root, path);
  if (place.cell == nullptr)
    return place.exists ? root.changed : root.map.erased;
  if (!place.exists && place.cell->is_map)
    return place.cell->map.erased;
  return place.cell->changed;
}

Value gather(const MapPart& map) {
  std::vector<std::pair<std::string, Value>> members;
  members.reserve(map.count);
  for_each_child(map.children, [&](const Cell& cell) { members.emplace_back(cell.key->text(), value_of(cell)); });
  return Value::map(std::move(members));
}

}  // namespace theus
