#pragma once

// The physical form of the state. Every map that some path has been written through is a MapPart: a hash trie whose
// cells carry the version of their last change. What was written as one value stays one Value in a leaf cell until
// a path below it is written; then that level alone becomes a MapPart whose cells inherit the leaf's version.
//
// Invariants:
//   (1) Nodes reachable from a published Root never change. An edit makes nodes born at its own version and
//       links to old ones; only nodes born at the version being built are changed in place.
//   (2) A cell's `changed` is the newest version at which it or anything below it was written or erased.
//   (3) A map's `erased` is the newest version at which a key vanished from it, so a path that does not exist is
//       as new as the `erased` of the nearest map on its way.
//   (4) The trie is canonical: its shape depends on the keys alone, not on the order in which they came.
//   (5) A map's `zones` has every zone that a key named below it since it was made.
// A node is needed by the snapshots of versions [born, retired); see StateMemory.

#include "runtime/value_path.hpp"
#include "runtime/zone_set.hpp"

#include <theus/version.hpp>

#include <array>
#include <cstring>
#include <span>

namespace theus {

struct Cell;
struct Trie;

/// A reference to a cell or to a trie of more than one; empty for nothing.
class Slot {
public:
  Slot() noexcept = default;
  Slot(Cell* cell) noexcept : bits_(reinterpret_cast<std::uintptr_t>(cell)) {}
  Slot(Trie* trie) noexcept : bits_(reinterpret_cast<std::uintptr_t>(trie) | 1) {}

  bool is_empty() const noexcept { return bits_ == 0; }
  bool is_trie() const noexcept { return (bits_ & 1) != 0; }
  Cell* cell() const noexcept { return reinterpret_cast<Cell*>(bits_); }
  Trie* trie() const noexcept { return reinterpret_cast<Trie*>(bits_ & ~std::uintptr_t{1}); }

private:
  std::uintptr_t bits_ = 0;
};

struct Trie {
  static constexpr unsigned bits_per_level = 5;
  static constexpr unsigned collision_level = 12;  // all hash bits are used up: slots stand unordered, `bitmap` is 0

  Version born;
  std::uint32_t bitmap;
  std::uint32_t count;

  Slot* slots() noexcept { return reinterpret_cast<Slot*>(this + 1); }
  const Slot* slots() const noexcept { return reinterpret_cast<const Slot*>(this + 1); }

  static std::uint32_t bit(std::uint64_t hash, unsigned level) noexcept {
    return 1U << ((hash >> (level * bits_per_level)) & 31);
  }
  // Counts the ones by halves (Warren, Hacker's Delight, 5-1): where the processor's instruction may not be used,
  // std::popcount is a call of a function with tables.
  unsigned position(std::uint32_t bit) const noexcept {
    std::uint32_t ones = bitmap & (bit - 1);
    ones -= (ones >> 1) & 0x55555555U;
    ones = (ones & 0x33333333U) + ((ones >> 2) & 0x33333333U);
    ones = (ones + (ones >> 4)) & 0x0F0F0F0FU;
    return (ones * 0x01010101U) >> 24;
  }
};

/// The text of a cell's key. The count of cells that share it is touched only within the commit turn.
struct Key {
  std::uint64_t hash;
  std::uint32_t references;
  std::uint32_t length;

  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(this + 1), length}; }
  char* bytes() noexcept { return reinterpret_cast<char*>(this + 1); }
};

struct MapPart {
  Slot children;
  Version erased = 0;
  std::uint32_t count = 0;
  ZoneSet zones;  // that keys below it name, or once named
};

struct Cell {
  Version born;
  Version changed;
  Key* key;
  bool is_map;
  Value value;  // null when this is a map
  MapPart map;
};

struct Root {
  Version version = 0;
  Version changed = 0;
  MapPart map;
};

inline bool has_key(const Cell* cell, std::string_view key, std::uint64_t hash) noexcept {
  return cell->key->hash == hash && cell->key->text() == key;
}

/// The child of that key, or nullptr.
inline const Cell* find_child(const MapPart& map, std::string_view key, std::uint64_t hash) noexcept {
  Slot slot = map.children;
  for (unsigned level = 0; slot.is_trie(); ++level) {
    const Trie* trie = slot.trie();
    if (level == Trie::collision_level) [[unlikely]] {
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

/// Calls visit(const Cell&) for each child, in trie order.
template <class Visit>
void for_each_child(Slot slot, const Visit& visit) {
  if (slot.is_empty())
    return;
  if (!slot.is_trie())
    return visit(static_cast<const Cell&>(*slot.cell()));
  const Trie* trie = slot.trie();
  for (std::uint32_t i = 0; i < trie->count; ++i)
    for_each_child(trie->slots()[i], visit);
}

/// How far a path leads into the tree.
struct Place {
  const Cell* cell = nullptr;    // the deepest cell on the path; nullptr: the root itself
  std::size_t depth = 0;         // segments that lead to it
  const Value* value = nullptr;  // the value, when the path ends at or below a leaf
  bool exists = false;
};

/// Calls pass(depth, cell) for each cell on the way.
template <class Pass>
Place locate(const Root& root, std::span<const Segment> path, const Pass& pass) noexcept {
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

inline Place locate(const Root& root, std::span<const Segment> path) noexcept {
  return locate(root, path, [](std::size_t, const Cell*) {});
}

/// The cells that lead to a place: one for each of its first `depth` segments.
using Way = std::array<const Cell*, Path::segments_max>;

/// As above, and remembers the way.
inline Place locate(const Root& root, std::span<const Segment> path, Way& way) noexcept {
  return locate(root, path, [&](std::size_t depth, const Cell* cell) { way[depth] = cell; });
}

/// The value at the path, or nothing. Gathering a map costs time in proportion to what stands below it.
std::optional<Value> read(const Root& root, const Path& path);

/// The version of the last change that a reader of this path could notice: of the value and everything below it, or,
/// where nothing stands, of the last disappearance on the way to it.
Version last_change(const Root& root, std::span<const Segment> path) noexcept;

/// The map as one Value.
Value gather(const MapPart& map);

}  // namespace theus
