#include "runtime/value_path.hpp"

namespace theus {
namespace {

std::string spelled(const Segment& segment) {
  return segment.is_index() ? "index " + std::to_string(segment.index) : "key '" + std::string{segment.key} + "'";
}

}  // namespace

const Value* find_in(const Value& value, std::span<const Segment> path) noexcept {
  const Value* at = &value;
  for (const Segment& segment : path) {
    if (!segment.is_index())
      at = at->find(segment.key);
    else if (at->is_list() && static_cast<std::size_t>(segment.index) < at->size())
      at = &(*at)[static_cast<std::size_t>(segment.index)];
    else
      at = nullptr;
    if (at == nullptr)
      return nullptr;
  }
  return at;
}

Result<Value> with(const Value& value, std::span<const Segment> path, const Value& item) {
  if (path.empty())
    return item;
  const Segment& segment = path.front();
  const bool fits = segment.is_index() ? value.is_list() : value.is_map();
  if (!fits)
    return Error{Errc::bad_argument, "",
                 spelled(segment) + " cannot stand below a value of kind " + std::string{to_string(value.kind())},
                 "Write the parent as a map or list first"};
  const Value* child = find_in(value, path.first(1));
  if (child == nullptr && segment.is_index())
    return Error{Errc::bad_argument, "", spelled(segment) + " is beyond the list of " + std::to_string(value.size()),
                 "Append to lengthen a list"};
  auto changed = with(child != nullptr ? *child : Value::map(), path.subspan(1), item);
  if (!changed)
    return changed;
  Value copy = value;
  if (segment.is_index())
    copy.replace(static_cast<std::size_t>(segment.index), *std::move(changed));
  else
    copy.set(segment.key, *std::move(changed));
  return copy;
}

Value without(const Value& value, std::span<const Segment> path) {
  assert(!path.empty());
  const Segment& segment = path.front();
  Value copy = value;
  if (path.size() > 1) {
    Value child = without(*find_in(value, path.first(1)), path.subspan(1));
    if (segment.is_index())
      copy.replace(static_cast<std::size_t>(segment.index), std::move(child));
    else
      copy.set(segment.key, std::move(child));
  } else if (segment.is_index()) {
    copy.erase_at(static_cast<std::size_t>(segment.index));
  } else {
    copy.erase(segment.key);
  }
  return copy;
}

}  // namespace theus
