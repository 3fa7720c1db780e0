#include "runtime/diff_recorder.hpp"

#include <algorithm>

#include "runtime/access.hpp"

namespace theus {
namespace {

// Segment by segment, so that [9] stands before [10]; keys before indices.
bool path_before(const Path& a, const Path& b) noexcept {
  return std::ranges::lexicographical_compare(a.segments(), b.segments(), [](const Segment& x, const Segment& y) {
    if (x.is_index() && y.is_index())
      return x.index < y.index;
    return x.is_index() || y.is_index() ? y.is_index() : x.key < y.key;
  });
}

}  // namespace

void DiffRecorder::record(Difference::Kind kind, const Value& before, const Value& after) {
  if (!hides_private_) [[likely]]
    return keep(kind, before, after);
  const Path path = here();
  const Value old_value = without_private(path, before);
  const Value new_value = without_private(path, after);
  const bool looks_unchanged = kind == Difference::Kind::changed && old_value == new_value;
  if (path.zone() != Zone::internal && !looks_unchanged)
    keep(kind, old_value, new_value);
}

void DiffRecorder::keep(Difference::Kind kind, const Value& before, const Value& after) {
  if (found_.entries.size() == entries_max_)
    ++found_.omitted;
  else
    found_.entries.push_back({kind, here(), before, after});
}

Path DiffRecorder::here() const {
  Path path = at_;
  for (const Place& place : trail_)
    path = place.index < 0 ? path.key(place.key) : path.index(static_cast<std::size_t>(place.index));
  return path;
}

Diff DiffRecorder::finish() {
  // Two differences of one list may have the same path: a removed element and an added one. They stay in this order.
  std::ranges::stable_sort(found_.entries, path_before, &Difference::path);
  return std::exchange(found_, {});
}

}  // namespace theus
