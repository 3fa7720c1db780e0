#pragma once

#include "runtime/state_memory.hpp"

namespace theus {

/// Builds the root of the next version from an older one. Belongs to the holder of the commit turn.
/// When a member throws bad_alloc, drop() leaves everything as it was.
class TreeEditor {
public:
  TreeEditor(StateMemory& memory, const Root& base, Version version)
      : memory_(memory), before_(const_cast<Root*>(&base)), version_(version) {
    memory_.begin_edit(version);
    root_ = memory_.make_root();
    root_->changed = base.changed;
    root_->map = base.map;
  }
  ~TreeEditor() {
    if (!kept_)
      memory_.drop_edit();
  }
  TreeEditor(const TreeEditor&) = delete;
  TreeEditor& operator=(const TreeEditor&) = delete;

  /// Whether `set` may be called on a root where the path leads to `place`: refuses (bad_argument) a path that runs
  /// through something other than a map, and an index beyond a list. What exists may be set. REQUIRES: !path.is_root().
  static Status can_set(const Place& place, const Path& path);

  /// Puts the value at the path; missing maps on the way are made. `way` leads to `place`, as far as the path exists in
  /// root(). REQUIRES: can_set.
  void set(const Path& path, const Place& place, const Way& way, Value value) {
    const bool is_leaf = place.depth == path.size() && place.value != nullptr;
    if (is_leaf && !value.is_map() && !place.value->is_map()) [[likely]]
      return replace_leaf(std::span{way}.first(place.depth), std::move(value));
    set_anything(path, place, way, std::move(value));
  }
  /// Removes what stands at the path; nothing happens when nothing does. REQUIRES: !path.is_root().
  void erase(const Path& path);

  /// Removes the members of the map at the path that were changed longest ago, until it has no more than that.
  void forget_oldest(const Path& path, std::size_t members_max);

  const Root& root() const noexcept { return *root_; }

  /// Hands out the finished root; it is not published yet. Ends the editor, unless it throws bad_alloc.
  const Root* keep() {
    memory_.keep_edit(before_);
    kept_ = true;
    return root_;
  }

private:
  using Segments = std::span<const Segment>;

  void replace_leaf(std::span<const Cell* const> way, Value&& value);
  void set_anything(const Path& path, const Place& place, const Way& way, Value&& value);
  void set_leaf(MapPart& map, const Segment& segment, const Cell* known, Value&& value);
  void erase_in(MapPart& map, Segments path);
  Cell* own_map_child(MapPart& map, const Segment& segment, const Cell* known);
  void explode(Cell* cell);
  void add(MapPart& map, Cell* cell);
  Cell* own_cell(MapPart& map, const Cell* known);
  void replace(MapPart& map, const Cell* known, Cell* cell);

  bool is_fresh(Version born) const noexcept { return born == version_; }
  Trie* own(Trie* trie);
  Slot add(Slot slot, unsigned level, Cell* cell);
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
