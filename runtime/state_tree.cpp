#include "runtime/state_tree.hpp"

#include "runtime/value_path.hpp"

namespace theus {
namespace {

bool has_key(const Cell* cell, std::string_view key, std::uint64_t hash) noexcept {
  return cell->key->hash == hash && cell->key->text() == key;
}

Value value_of(const Cell& cell) { return cell.is_map ? gather(cell.map) : cell.value; }

}  // namespace

const Cell* find_child(const MapPart& map, std::string_view key, std::uint64_t hash) noexcept {
  Slot slot = map.children;
  for (unsigned level = 0; slot.is_trie(); ++level) {
    const Trie* trie = slot.trie();
    if (level == Trie::collision_level) {
      for (std::uint32_t i = 0; i < trie->count; ++i)
        if (has_key(trie->slots()[i].cell(), key, hash))
          return trie->slots()[i].cell();
      return nullptr;
    }
    const std::uint32_t bit = Trie::bit(hash, level);
    if ((trie->bitmap & bit) == 0)
      return nullptr;
    slot = trie->slots()[trie->position(bit)];
  }
  const Cell* cell = slot.cell();
  return cell != nullptr && has_key(cell, key, hash) ? cell : nullptr;
}

Place locate(const Root& root, std::span<const Segment> path) noexcept {
  Place place;
  const MapPart* map = &root.map;
  for (; place.depth < path.size(); ++place.depth) {
    const Segment& segment = path[place.depth];
    const Cell* child = segment.is_index() ? nullptr : find_child(*map, segment.key, segment.hash);
    if (child == nullptr)
      return place;
    place.cell = child;
    if (!child->is_map) {
      ++place.depth;
      place.value = find_in(child->value, path.subspan(place.depth));
      place.exists = place.value != nullptr;
      return place;
    }
    map = &child->map;
  }
  place.exists = true;
  return place;
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
