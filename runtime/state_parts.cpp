#include "runtime/state_parts.hpp"

#include "runtime/snapshot_access.hpp"

namespace theus {

StateParts::StateParts(Snapshot snapshot, MetaZone meta) : snapshot_(std::move(snapshot)), meta_(meta) {
  if (const Slot all = SnapshotAccess::root(snapshot_).map.children; !all.is_empty())
    levels_.push_back({Path{}, all});
}

std::optional<StateParts::Part> StateParts::next() {
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.slot.is_trie()) {
      const Trie* trie = level.slot.trie();
      if (level.at == trie->count) {
        levels_.pop_back();
        continue;
      }
      const Slot below = trie->slots()[level.at++];
      levels_.push_back({level.path, below});
      continue;
    }
    const Cell* cell = level.slot.cell();
    Path path = level.path.key(cell->key->text());
    levels_.pop_back();
    if (meta_ == MetaZone::left_out && path.zone() == Zone::meta)
      continue;
    if (!cell->is_map)
      return Part{std::move(path), cell->value};
    if (cell->map.children.is_empty())
      return Part{std::move(path), Value::map()};
    levels_.push_back({std::move(path), cell->map.children});
  }
  return std::nullopt;
}

}  // namespace theus
