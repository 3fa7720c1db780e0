#include <theus/diff.hpp>
#include <theus/escape.hpp>
#include <theus/json.hpp>

#include <array>

#include "runtime/access.hpp"
#include "runtime/escape.hpp"
#include "runtime/snapshot_access.hpp"
#include "runtime/tree_diff.hpp"

namespace theus {
namespace {

// Never cut within a character.
std::string shortened(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max)
    return text;
  std::size_t end = 0;
  while (end < bytes_max) {
    const std::size_t length = std::max<std::size_t>(decode_utf8(std::string_view{text}.substr(end)).length, 1);
    if (end + length > bytes_max)
      break;
    end += length;
  }
  text.resize(end);
  return text + "...";
}

}  // namespace

Diff diff(const Value& before, const Value& after, const Path& at, const DiffOptions& options) {
  DiffRecorder recorder{at, options.entries_max};
  compare(recorder, before, after);
  return recorder.finish();
}

Diff diff(const Snapshot& before, const Snapshot& after, const Path& below, const DiffOptions& options) {
  if (const Status allowed = AccessTable::standard()->check_read(below, Standing::ordinary()); !allowed)
    raise(allowed.error());
  const bool hides_private = SnapshotAccess::has_private(before) || SnapshotAccess::has_private(after);
  DiffRecorder recorder{below, options.entries_max, hides_private};
  compare(recorder, part_at(SnapshotAccess::root(before), below.segments()),
          part_at(SnapshotAccess::root(after), below.segments()));
  return recorder.finish();
}

std::string_view to_string(Difference::Kind kind) noexcept {
  constexpr std::array<std::string_view, 3> names{"added", "removed", "changed"};
  return names[static_cast<std::size_t>(kind)];
}

Value data_of(const Difference& difference) {
  Value data{{"kind", to_string(difference.kind)}, {"path", difference.path.spelling()}};
  if (difference.kind != Difference::Kind::added)
    data.set("before", difference.before);
  if (difference.kind != Difference::Kind::removed)
    data.set("after", difference.after);
  return data;
}

std::string to_text(const Difference& difference, std::size_t value_bytes_max) {
  const std::string path = difference.path.is_root() ? "(root)" : escaped(difference.path.spelling());
  const auto text = [&](const Value& value) { return shortened(escaped(to_json(value)), value_bytes_max); };
  switch (difference.kind) {
    case Difference::Kind::added: return "+ " + path + " = " + text(difference.after);
    case Difference::Kind::removed: return "- " + path;
    case Difference::Kind::changed:
      return "~ " + path + ": " + text(difference.before) + " -> " + text(difference.after);
  }
  return {};
}

}  // namespace theus
