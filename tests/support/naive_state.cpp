#include "tests/support/naive_state.hpp"

#include <algorithm>

namespace theus::testing {
namespace {

using Segments = std::span<const Segment>;
using Maybe = std::optional<Value>;  // absent

struct Impossible {};

std::vector<Value> elements(const Value& list) { return {list.items().begin(), list.items().end()}; }

Value rebuilt(std::vector<Value> items) { return Value::list(std::move(items)); }

double number(const Value& value) { return value.as_number(); }

Maybe changed_here(const Maybe& before, const Write& write) {
  const auto list = [&] {
    if (before && !before->is_list())
      throw Impossible{};
    return before ? elements(*before) : std::vector<Value>{};
  };
  const auto require_numbers = [&] {
    if (!write.value.is_number() || (before && before->kind() != write.value.kind()))
      throw Impossible{};
  };
  switch (write.kind) {
    case Write::Kind::set: return write.value;
    case Write::Kind::erase: return {};
    case Write::Kind::append: {
      auto items = list();
      items.push_back(write.value);
      return rebuilt(std::move(items));
    }
    case Write::Kind::insert: {
      auto items = list();
      if (std::ranges::find(items, write.value) == items.end())
        items.push_back(write.value);
      return rebuilt(std::move(items));
    }
    case Write::Kind::splice: {
      auto items = list();
      if (!write.value.is_list() || write.position + write.removed > items.size())
        throw Impossible{};
      const auto at = items.begin() + static_cast<std::ptrdiff_t>(write.position);
      const auto rest = items.erase(at, at + static_cast<std::ptrdiff_t>(write.removed));
      const auto added = elements(write.value);
      items.insert(rest, added.begin(), added.end());
      return rebuilt(std::move(items));
    }
    case Write::Kind::increment:
      require_numbers();
      if (!before)
        return write.value;
      return before->is_int() ? Value{before->as_int() + write.value.as_int()}
                              : Value{number(*before) + number(write.value)};
    case Write::Kind::max:
      require_numbers();
      return before && number(*before) >= number(write.value) ? before : Maybe{write.value};
  }
  throw Impossible{};
}

Maybe changed(const Maybe& before, Segments path, const Write& write) {
  if (path.empty())
    return changed_here(before, write);
  const bool exists = look_up(before.value_or(Value{}), path).has_value();
  if (write.kind == Write::Kind::erase && !exists)
    return before;
  const Segment& segment = path.front();
  if (segment.is_index()) {
    const auto at = static_cast<std::size_t>(segment.index);
    if (!before || !before->is_list() || at >= before->size())
      throw Impossible{};
    auto items = elements(*before);
    const Maybe item = changed(items[at], path.subspan(1), write);
    if (item)
      items[at] = *item;
    else
      items.erase(items.begin() + segment.index);
    return rebuilt(std::move(items));
  }
  if (before && !before->is_map())
    throw Impossible{};
  Value map = before.value_or(Value::map());
  const Value* known = map.find(segment.key);
  const Maybe member = changed(known ? Maybe{*known} : Maybe{}, path.subspan(1), write);
  if (member)
    map.set(segment.key, *member);
  else
    map.erase(segment.key);
  return map;
}

// Inside a list, conflicts are seen at the list.
Path up_to_list(const Path& path) {
  std::size_t keys = 0;
  while (keys < path.size() && !path.segments()[keys].is_index())
    ++keys;
  return path.prefix(keys);
}

bool reads_its_path(const Write& write) {
  return write.kind == Write::Kind::set || write.kind == Write::Kind::erase || write.kind == Write::Kind::splice;
}

}  // namespace

std::optional<Value> look_up(const Value& state, Segments path) {
  if (path.empty())
    return state;
  const Segment& segment = path.front();
  if (segment.is_index()) {
    if (!state.is_list() || static_cast<std::size_t>(segment.index) >= state.size())
      return {};
    return look_up(state[static_cast<std::size_t>(segment.index)], path.subspan(1));
  }
  const Value* member = state.find(segment.key);
  return member ? look_up(*member, path.subspan(1)) : Maybe{};
}

std::optional<Value> after(const Value& state, const Write& write) try {
  if (write.path.is_root())
    return {};
  return changed(state, write.path.segments(), write);
} catch (const Impossible&) {
  return {};
}

NaiveState::Verdict NaiveState::judge(Version base, const Path& path) const {
  bool touched = false;
  for (Version v = base + 1; v <= version(); ++v) {
    if (look_up(at(v), path.segments()) != look_up(at(base), path.segments()))
      return Verdict::conflicts;
    for (const Write& write : changed_[v]) {
      const Path there = up_to_list(write.path);
      const Path here = up_to_list(path);
      touched |= there.covers(here) || here.covers(there);
      // What vanishes is remembered by its parent, for all that does not stand there.
      touched |= write.kind == Write::Kind::erase && write.path.parent().covers(path);
    }
  }
  return touched ? Verdict::either : Verdict::accepts;
}

NaiveState::Verdict NaiveState::judge(Version base, const std::vector<Path>& reads,
                                      const std::vector<Write>& writes) const {
  Value state = head();
  for (const Write& write : writes) {
    const auto next = after(state, write);
    if (!next)
      return Verdict::impossible;
    state = *next;
  }
  Verdict worst = Verdict::accepts;
  for (const Path& path : reads)
    worst = std::max(worst, judge(base, path));
  for (const Write& write : writes)
    if (reads_its_path(write))
      worst = std::max(worst, judge(base, write.path));
  return worst;
}

void NaiveState::commit(const std::vector<Write>& writes) {
  Value state = head();
  std::vector<Write> effective;
  for (const Write& write : writes) {
    const Value next = after(state, write).value();
    if (next != state)
      effective.push_back(write);
    state = next;
  }
  if (effective.empty())
    return;
  states_.push_back(state);
  changed_.push_back(std::move(effective));
}

}  // namespace theus::testing
