#pragma once

#include "runtime/state_memory.hpp"

namespace theus {

/// Builds the root of the next version from an older one. Belongs to the holder of the commit turn.
/// When a member throws bad_alloc, drop() leaves everything as it was.
class TreeEditor {
public:
  TreeEditor(StateMemory& memory, const Root& base, Version version);
  ~TreeEditor();
  TreeEditor(const TreeEditor&) = delete;
  TreeEditor& operator=(const TreeEditor&) = delete;

  /// Whether `set` may be called on a root where the path leads to `place`: refuses (bad_argument) a path that runs
  /// through something other than a map, and an index beyond a list. REQUIRES: !path.is_root().
  static Status can_set(const Place& place, const Path& path);

  /// Puts the value at the path; missing maps on the way are made. REQUIRES: can_set.
  void set(const Path& path, Value value);
  /// Removes what stands at the path; nothing happens when nothing does. REQUIRES: !path.is_root().
  void erase(const Path& path);

  /// Removes the members of the map at the path that were changed longest ago, until it has no more than that.
  void forget_oldest(const Path& path, std::size_t members_max);

  const Root& root() const noexcept { return *root_; }

  /// Hands out the finished root; it is not published yet. Ends the editor, unless it throws bad_alloc.
  const Root* keep();

private:
  using Segments = std::span<const Segment>;

  void set_in(MapPart& map, Segments path, Value&& value, ZoneSet added);
  void set_leaf(MapPart& map, const Segment& segment, Value&& value);
  void set_inside_value(MapPart& map, Cell* cell, Segments path, Value&& value);
  void erase_in(MapPart& map, Segments path);
  Cell* own_map_child(MapPart& map, const Segment& segment);
  void explode(Cell* cell);
  void put(MapPart& map, Cell* cell);

  bool is_fresh(Version born) const noexcept { return born == version_; }
  Trie* own(Trie* trie);
  Slot put(Slot slot, unsigned level, Cell* cell, Cell*& replaced);
  Slot join(Cell* a, Cell* b, unsigned level);
  Slot remove(Slot slot, unsigned level, const Cell* cell);
  Trie* with_slot(Trie* trie, unsigned at, Slot added);
  Slot without_slot(Trie* trie, unsigned at, unsigned level);

  StateMemory& memory_;
  Root* const before_;
  const Version version_;
  Root* root_ = nullptr;
  bool kept_ = false;
};

}  // namespace theus
