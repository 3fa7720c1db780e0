#include "runtime/state_tree.hpp"

namespace theus {
namespace {

Value value_of(const Cell& cell) { return cell.is_map ? gather(cell.map) : cell.value; }

}  // namespace

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
