#include "runtime/tree_diff.hpp"

namespace theus {
namespace {

TreePart part_of(const Cell& cell) noexcept {
  return cell.is_map ? TreePart{&cell.map, nullptr} : TreePart{nullptr, &cell.value};
}

Value whole(const TreePart& part) { return part.map != nullptr ? gather(*part.map) : *part.value; }

/// Two tries of one level, side by side. What one of them lacks is a nullptr or an empty slot.
class TrieComparison {
public:
  explicit TrieComparison(DiffRecorder& recorder) : recorder_(recorder) {}

  void slots(Slot before, Slot after, unsigned level) {
    if (same(before, after))
      return;
    if (before.is_trie() && after.is_trie() && level < Trie::collision_level)
      return tries(*before.trie(), *after.trie(), level);
    for_each_child(before, [&](const Cell& cell) { cells(&cell, find(after, cell, level)); });
    for_each_child(after, [&](const Cell& cell) {
      if (find(before, cell, level) == nullptr)
        cells(nullptr, &cell);
    });
  }

private:
  static bool same(Slot a, Slot b) noexcept { return a.is_trie() == b.is_trie() && a.cell() == b.cell(); }

  static const Cell* find(Slot slot, const Cell& like, unsigned level) noexcept {
    if (slot.is_trie() && level < Trie::collision_level) {
      const std::uint32_t bit = Trie::bit(like.key->hash, level);
      const Trie& trie = *slot.trie();
      return (trie.bitmap & bit) == 0 ? nullptr : find(trie.slots()[trie.position(bit)], like, level + 1);
    }
    const Cell* found = nullptr;
    for_each_child(slot, [&](const Cell& cell) {
      if (cell.key->hash == like.key->hash && cell.key->text() == like.key->text())
        found = &cell;
    });
    return found;
  }

  void tries(const Trie& before, const Trie& after, unsigned level) {
    for (std::uint32_t left = before.bitmap | after.bitmap; left != 0; left &= left - 1) {
      const std::uint32_t bit = left & (~left + 1);
      slots(slot_at(before, bit), slot_at(after, bit), level + 1);
    }
  }

  static Slot slot_at(const Trie& trie, std::uint32_t bit) noexcept {
    return (trie.bitmap & bit) == 0 ? Slot{} : trie.slots()[trie.position(bit)];
  }

  void cells(const Cell* before, const Cell* after) {
    if (before == after)
      return;
    const DiffRecorder::Step step{recorder_, (before != nullptr ? before : after)->key->text()};
    compare(recorder_, before != nullptr ? part_of(*before) : TreePart{},
            after != nullptr ? part_of(*after) : TreePart{});
  }

  DiffRecorder& recorder_;
};

/// A map that is one value on one side and has been written through on the other.
void compare_forms(DiffRecorder& recorder, const Value& value, const MapPart& map, bool value_is_before) {
  const auto pair = [&](const TreePart& of_value, const TreePart& of_map) {
    value_is_before ? compare(recorder, of_value, of_map) : compare(recorder, of_map, of_value);
  };
  for (const auto [key, item] : value.members()) {
    const Cell* cell = find_child(map, key, key_hash(key));
    const DiffRecorder::Step step{recorder, key};
    pair({nullptr, &item}, cell != nullptr ? part_of(*cell) : TreePart{});
  }
  for_each_child(map.children, [&](const Cell& cell) {
    if (!value.contains(cell.key->text())) {
      const DiffRecorder::Step step{recorder, cell.key->text()};
      pair({}, part_of(cell));
    }
  });
}

}  // namespace

TreePart part_at(const Root& root, std::span<const Segment> path) noexcept {
  const Place place = locate(root, path);
  if (!place.exists)
    return {};
  if (place.value != nullptr)
    return {nullptr, place.value};
  return {place.cell == nullptr ? &root.map : &place.cell->map, nullptr};
}

void compare(DiffRecorder& recorder, const TreePart& before, const TreePart& after) {
  if (before.is_absent() || after.is_absent()) {
    if (!before.is_absent())
      recorder.removed(whole(before));
    else if (!after.is_absent())
      recorder.added(whole(after));
  } else if (before.value != nullptr && after.value != nullptr) {
    compare(recorder, *before.value, *after.value);
  } else if (before.map != nullptr && after.map != nullptr) {
    TrieComparison{recorder}.slots(before.map->children, after.map->children, 0);
  } else {
    const Value& value = before.value != nullptr ? *before.value : *after.value;
    if (value.is_map())
      compare_forms(recorder, value, before.value != nullptr ? *after.map : *before.map, before.value != nullptr);
    else
      recorder.changed(whole(before), whole(after));
  }
}

}  // namespace theus
