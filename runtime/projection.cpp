#include "runtime/projection.hpp"

#include "runtime/path_pattern.hpp"

namespace theus {

std::optional<Value> projected(const Value& value, std::span<const Segment> pattern) {
  if (pattern.empty())
    return value;
  std::optional<Value> shown;
  const bool any_number = is_any_number(pattern.front());
  if (any_number)
    shown = projected(value, pattern.subspan(1));
  const auto below = any_number ? pattern : pattern.subspan(1);
  Value members = Value::map();
  for (const auto [key, item] : value.members())
    if (any_number || matches_key(pattern.front(), key))
      if (auto member = projected(item, below))
        members.set(key, *std::move(member));
  if (!members.empty())
    show_also(shown, std::move(members));
  return shown;
}

void show_also(std::optional<Value>& shown, std::optional<Value> more) {
  if (!shown || !more || !shown->is_map() || !more->is_map()) {
    if (!shown)
      shown = std::move(more);
    return;
  }
  for (const auto [key, item] : more->members()) {
    const Value* known = shown->find(key);
    std::optional<Value> member = known ? std::optional{*known} : std::nullopt;
    show_also(member, item);
    shown->set(key, *std::move(member));
  }
}

}  // namespace theus
