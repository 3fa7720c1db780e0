#include "runtime/diff_recorder.hpp"
#include "runtime/node_cursor.hpp"
#include "runtime/value_build.hpp"

namespace theus {
namespace {

using From = NodeCursor::From;

void compare_maps(DiffRecorder& recorder, const Value& before, const Value& after) {
  const auto removed = [&](const Entry& entry) {
    const DiffRecorder::Step step{recorder, entry.key.as_string()};
    recorder.removed(entry.item);
  };
  const auto added = [&](const Entry& entry) {
    const DiffRecorder::Step step{recorder, entry.key.as_string()};
    recorder.added(entry.item);
  };
  NodeCursor a{before, From::front};
  NodeCursor b{after, From::front};
  for (skip_shared(a, b); !a.at_end() && !b.at_end(); skip_shared(a, b)) {
    const std::string_view key = a.entry().key.as_string();
    if (key_before(key, b.entry().key.as_string())) {
      removed(a.entry());
      a.advance();
    } else if (key != b.entry().key.as_string()) {
      added(b.entry());
      b.advance();
    } else {
      const DiffRecorder::Step step{recorder, key};
      compare(recorder, a.entry().item, b.entry().item);
      a.advance();
      b.advance();
    }
  }
  for (; !a.at_end(); a.advance()) {
    a.enter_all();
    removed(a.entry());
  }
  for (; !b.at_end(); b.advance()) {
    b.enter_all();
    added(b.entry());
  }
}

void compare_lists_of_one_length(DiffRecorder& recorder, const Value& before, const Value& after) {
  NodeCursor a{before, From::front};
  NodeCursor b{after, From::front};
  std::size_t index = skip_shared(a, b);
  for (; !a.at_end(); index += 1 + skip_shared(a, b)) {
    const DiffRecorder::Step step{recorder, index};
    compare(recorder, a.item(), b.item());
    a.advance();
    b.advance();
  }
}

/// How many items, at most so many, are equal at that end of two lists.
std::size_t common(const Value& before, const Value& after, From from, std::size_t items_max) {
  NodeCursor a{before, from};
  NodeCursor b{after, from};
  std::size_t count = 0;
  while (true) {
    count += skip_shared(a, b, items_max - count);
    if (count == items_max || !(a.item() == b.item()))
      return count;
    ++count;
    a.advance();
    b.advance();
  }
}

void compare_lists(DiffRecorder& recorder, const Value& before, const Value& after) {
  const std::size_t shorter = std::min(before.size(), after.size());
  const std::size_t front = common(before, after, From::front, shorter);
  const std::size_t end = common(before, after, From::end, shorter - front);
  for (std::size_t i = front; i < shorter - end; ++i) {
    const DiffRecorder::Step step{recorder, i};
    compare(recorder, before[i], after[i]);
  }
  for (std::size_t i = shorter - end; i < before.size() - end; ++i) {
    const DiffRecorder::Step step{recorder, i};
    recorder.removed(before[i]);
  }
  for (std::size_t i = shorter - end; i < after.size() - end; ++i) {
    const DiffRecorder::Step step{recorder, i};
    recorder.added(after[i]);
  }
}

}  // namespace

void compare(DiffRecorder& recorder, const Value& before, const Value& after) {
  const bool same_kind = before.kind() == after.kind() && is_container(before);
  if (same_kind && root_of(before) == root_of(after))
    return;
  if (!same_kind || !recorder.may_descend()) {
    if (!(before == after))
      recorder.changed(before, after);
  } else if (before.is_map()) {
    compare_maps(recorder, before, after);
  } else if (before.size() == after.size()) {
    compare_lists_of_one_length(recorder, before, after);
  } else {
    compare_lists(recorder, before, after);
  }
}

}  // namespace theus
