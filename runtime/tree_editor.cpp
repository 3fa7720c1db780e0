#include "runtime/tree_editor.hpp"

#include "runtime/value_path.hpp"

#include <algorithm>

namespace theus {

/// REQUIRES: the map has the known cell, and both have the same key.
inline void TreeEditor::replace(MapPart& map, const Cell* known, Cell* cell) {
  Slot* slot = &map.children;
  for (unsigned level = 0; slot->is_trie(); ++level) {
    Trie* trie = own(slot->trie());
    *slot = trie;
    slot = trie->slots();
    if (level < Trie::collision_level)
      slot += trie->position(Trie::bit(cell->key->hash, level));
    else
      while (slot->cell() != known)
        ++slot;
  }
  *slot = cell;
}

/// The cell, which is in the map, as one of this version.
inline Cell* TreeEditor::own_cell(MapPart& map, const Cell* known) {
  if (is_fresh(known->born))
    return const_cast<Cell*>(known);
  Cell* copy = memory_.copy_cell(*known);
  replace(map, known, copy);
  memory_.retire(const_cast<Cell*>(known));  // the copy has taken over the children
  return copy;
}

void TreeEditor::forget_oldest(const Path& path, std::size_t members_max) {
  while (true) {
    const Place place = locate(*root_, path.segments());
    if (place.value != nullptr || place.cell == nullptr || place.cell->map.count <= members_max)
      return;
    const Cell* oldest = nullptr;
    for_each_child(place.cell->map.children, [&](const Cell& child) {
      if (oldest == nullptr || child.changed < oldest->changed)
        oldest = &child;
    });
    erase(path.key(oldest->key->text()));
  }
}

Status TreeEditor::can_set(const Place& place, const Path& path) {
  const auto segments = path.segments();
  const bool below_map = place.cell == nullptr || place.cell->is_map;
  if (below_map) {
    const auto missing = segments.subspan(place.depth);
    const auto is_index = [](const Segment& segment) { return segment.is_index(); };
    if (std::ranges::any_of(missing, is_index))
      return Error{Errc::bad_argument, path.text(), "there is no list for its index", "Write the list first"};
    return {};
  }
  if (place.depth == segments.size())
    return {};
  // Only the way matters here, so a null stands for the value.
  auto changed = with(place.cell->value, segments.subspan(place.depth), Value{});
  if (!changed)
    return Error{changed.error().code(), path.text(), changed.error().cause(), changed.error().remedy()};
  return {};
}

/// The commonest change: a value gives way to another, and no map comes or goes. So no zone is named anew.
void TreeEditor::replace_leaf(std::span<const Cell* const> way, Value&& value) {
  root_->changed = version_;
  MapPart* map = &root_->map;
  for (const Cell* known : way.first(way.size() - 1)) {
    Cell* cell = own_cell(*map, known);
    cell->changed = version_;
    map = &cell->map;
  }
  Cell* leaf = own_cell(*map, way.back());
  leaf->changed = version_;
  leaf->value = std::move(value);
}

void TreeEditor::set_anything(const Path& path, const Place& place, const Way& way, Value&& value) {
  ZoneSet added = zones_on(path);
  added |= zones_in(value);
  const Segments segments = path.segments();
  root_->changed = version_;
  MapPart* map = &root_->map;
  for (std::size_t depth = 0;; ++depth) {
    map->zones |= added;
    const Segment& segment = segments[depth];
    // Beyond the place there may still be cells: those into which a value was taken apart just now.
    const Cell* known = depth < place.depth ? way[depth] : find_child(*map, segment.key, segment.hash);
    if (depth + 1 == segments.size())
      return set_leaf(*map, segment, known, std::move(value));
    Cell* child = own_map_child(*map, segment, known);
    child->changed = version_;
    if (!child->is_map) {
      child->value = with(child->value, segments.subspan(depth + 1), value).value();
      return;
    }
    map = &child->map;
  }
}

void TreeEditor::erase(const Path& path) {
  if (!locate(*root_, path.segments()).exists)
    return;
  erase_in(root_->map, path.segments());
  root_->changed = version_;
}

void TreeEditor::set_leaf(MapPart& map, const Segment& segment, const Cell* known, Value&& value) {
  if (known != nullptr && is_fresh(known->born)) {
    auto* cell = const_cast<Cell*>(known);
    memory_.retire_below(std::exchange(cell->map, MapPart{}).children);
    cell->is_map = false;
    cell->value = std::move(value);
    cell->changed = version_;
    return;
  }
  if (known == nullptr) {
    Cell* cell = memory_.make_cell(segment.key, segment.hash);
    cell->value = std::move(value);
    return add(map, cell);
  }
  replace(map, known, memory_.make_leaf_like(*known, std::move(value)));
  if (known->is_map)
    memory_.retire_below(known->map.children);
  memory_.retire(const_cast<Cell*>(known));
}

void TreeEditor::erase_in(MapPart& map, Segments path) {
  const Segment& segment = path.front();
  if (path.size() > 1) {
    Cell* child = own_map_child(map, segment, find_child(map, segment.key, segment.hash));
    if (child->is_map)
      erase_in(child->map, path.subspan(1));
    else
      child->value = without(child->value, path.subspan(1));
    child->changed = version_;
    return;
  }
  const Cell* child = find_child(map, segment.key, segment.hash);
  map.children = remove(map.children, 0, child);
  --map.count;
  map.erased = version_;
  memory_.retire_below(Slot{const_cast<Cell*>(child)});
}

/// The child of that key, which is `known` so far, as a cell of this version: a map, or a list that the rest of the
/// path leads into.
Cell* TreeEditor::own_map_child(MapPart& map, const Segment& segment, const Cell* known) {
  auto* child = const_cast<Cell*>(known);
  if (known == nullptr) {
    child = memory_.make_cell(segment.key, segment.hash);
    child->is_map = true;
    child->map.erased = map.erased;  // this map may be what vanished then, with everything that stood in it
    add(map, child);
  } else {
    child = own_cell(map, known);
  }
  if (!child->is_map && child->value.is_map())
    explode(child);
  return child;
}

// From here on the members have versions of their own; so far they changed when the whole value did.
void TreeEditor::explode(Cell* cell) {
  const Value value = std::move(cell->value);
  const Version changed = cell->changed;
  cell->value = Value{};
  cell->is_map = true;
  cell->map.erased = changed;
  cell->map.zones = zones_in(value);
  for (const auto [key, item] : value.members()) {
    Cell* child = memory_.make_cell(key, key_hash(key));
    child->changed = changed;
    child->value = item;
    add(cell->map, child);
  }
}

/// REQUIRES: the map has no cell of that key.
void TreeEditor::add(MapPart& map, Cell* cell) {
  map.children = add(map.children, 0, cell);
  ++map.count;
}

Trie* TreeEditor::own(Trie* trie) {
  if (is_fresh(trie->born))
    return trie;
  Trie* copy = memory_.make_trie(trie->count);
  copy->bitmap = trie->bitmap;
  std::copy_n(trie->slots(), trie->count, copy->slots());
  memory_.retire(trie);
  return copy;
}

Slot TreeEditor::add(Slot slot, unsigned level, Cell* cell) {
  if (slot.is_empty())
    return cell;
  if (!slot.is_trie())
    return join(slot.cell(), cell, level);
  Trie* trie = slot.trie();
  if (level == Trie::collision_level)
    return with_slot(trie, trie->count, cell);
  const std::uint32_t bit = Trie::bit(cell->key->hash, level);
  const unsigned at = trie->position(bit);
  if ((trie->bitmap & bit) == 0) {
    trie = with_slot(trie, at, cell);
    trie->bitmap |= bit;
    return trie;
  }
  const Slot child = add(trie->slots()[at], level + 1, cell);
  trie = own(trie);
  trie->slots()[at] = child;
  return trie;
}

/// A trie of two cells with different keys.
Slot TreeEditor::join(Cell* a, Cell* b, unsigned level) {
  if (level == Trie::collision_level) {
    Trie* trie = memory_.make_trie(2);
    trie->slots()[0] = a;
    trie->slots()[1] = b;
    return trie;
  }
  const std::uint32_t bit_a = Trie::bit(a->key->hash, level);
  const std::uint32_t bit_b = Trie::bit(b->key->hash, level);
  if (bit_a == bit_b) {
    const Slot below = join(a, b, level + 1);
    Trie* trie = memory_.make_trie(1);
    trie->bitmap = bit_a;
    trie->slots()[0] = below;
    return trie;
  }
  Trie* trie = memory_.make_trie(2);
  trie->bitmap = bit_a | bit_b;
  trie->slots()[trie->position(bit_a)] = a;
  trie->slots()[trie->position(bit_b)] = b;
  return trie;
}

Trie* TreeEditor::with_slot(Trie* trie, unsigned at, Slot added) {
  Trie* grown = memory_.make_trie(trie->count + 1);
  grown->bitmap = trie->bitmap;
  std::copy_n(trie->slots(), at, grown->slots());
  grown->slots()[at] = added;
  std::copy_n(trie->slots() + at, trie->count - at, grown->slots() + at + 1);
  memory_.retire(trie);
  return grown;
}

/// The trie without one slot; a lone cell that is left takes its place, so that the shape depends on the keys alone.
Slot TreeEditor::without_slot(Trie* trie, unsigned at, unsigned level) {
  if (trie->count == 1) {
    memory_.retire(trie);
    return {};
  }
  if (trie->count == 2 && !trie->slots()[1 - at].is_trie()) {
    memory_.retire(trie);
    return trie->slots()[1 - at];
  }
  Trie* shrunk = memory_.make_trie(trie->count - 1);
  if (level < Trie::collision_level) {
    std::uint32_t bits = trie->bitmap;
    for (unsigned i = 0; i < at; ++i)
      bits &= bits - 1;
    shrunk->bitmap = trie->bitmap & ~(bits & (~bits + 1));
  }
  std::copy_n(trie->slots(), at, shrunk->slots());
  std::copy(trie->slots() + at + 1, trie->slots() + trie->count, shrunk->slots() + at);
  memory_.retire(trie);
  return shrunk;
}

/// REQUIRES: the cell is there.
Slot TreeEditor::remove(Slot slot, unsigned level, const Cell* cell) {
  if (!slot.is_trie())
    return {};
  Trie* trie = slot.trie();
  unsigned at = 0;
  if (level == Trie::collision_level) {
    while (trie->slots()[at].cell() != cell)
      ++at;
    return without_slot(trie, at, level);
  }
  at = trie->position(Trie::bit(cell->key->hash, level));
  const Slot child = remove(trie->slots()[at], level + 1, cell);
  if (child.is_empty())
    return without_slot(trie, at, level);
  if (trie->count == 1 && !child.is_trie()) {
    memory_.retire(trie);
    return child;
  }
  trie = own(trie);
  trie->slots()[at] = child;
  return trie;
}

}  // namespace theus
