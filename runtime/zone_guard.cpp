#include "runtime/zone_guard.hpp"

#include "runtime/value_node.hpp"

#include <algorithm>

namespace theus {
namespace {

constexpr ZoneSet guarded{Zone::constant, Zone::internal, Zone::log};

bool has_guarded(const Value& value) { return zones_in(value).meets(guarded); }

bool begins_with(const Value& list, const Value& start) {
  if (!list.is_list() || list.size() < start.size())
    return false;
  for (std::size_t at = 0; at < start.size();) {
    const ValueRun a = values_at(root_of(list), at);
    const ValueRun b = values_at(root_of(start), at);
    const std::size_t count = std::min(a.count, b.count);
    if (a.first != b.first && !std::equal(a.first, a.first + count, b.first))
      return false;
    at += count;
  }
  return true;
}

/// Whether somebody with these rights may make the one the other; nullptr is absent.
bool may_become(Rights rights, const Value* was, const Value* becomes) {
  if (was == nullptr)
    return becomes == nullptr || includes(rights, Rights::append);
  if (becomes == nullptr)
    return false;
  return *was == *becomes || (includes(rights, Rights::append) && was->is_list() && begins_with(*becomes, *was));
}

class Guard {
public:
  Guard(const AccessTable& access, const Standing& standing) : access_(access), standing_(standing) {}

  /// The first member below `path` that must not change so; the root path when there is none.
  Path offence(const Path& path, const Value& before, const Value& after) const {
    const bool has_limits = access_.has_limits_below(path);
    for (const auto [key, was] : before.members())
      if (auto found = member_offence(path, key, before, after, has_limits); !found.is_root())
        return found;
    for (const auto [key, becomes] : after.members())
      if (!before.contains(key))
        if (auto found = member_offence(path, key, before, after, has_limits); !found.is_root())
          return found;
    return {};
  }

private:
  Path member_offence(const Path& path, std::string_view key, const Value& before, const Value& after,
                      bool has_limits) const {
    // The leftmost key that names a zone counts, for all that stands below it.
    const Zone zone = path.zone() == Zone::data ? zone_of_key(key) : path.zone();
    const Value& was = before[key];
    const Value& becomes = after[key];
    const bool leads_on = zone == Zone::data && (has_guarded(was) || has_guarded(becomes));
    if (!has_limits && !leads_on && !guarded.has(zone))
      return {};
    Path member = path.key(key);
    if (access_.is_guarded(member, standing_))
      if (!may_become(access_.ceiling(member, standing_), before.find(key), after.find(key)))
        return member;
    const bool has_members = was.is_map() || becomes.is_map();
    if (!has_members || member.size() >= Path::segments_max || !(leads_on || access_.has_limits_below(member)))
      return {};
    return offence(member, was, becomes);
  }

  const AccessTable& access_;
  const Standing& standing_;
};

}  // namespace

Status check_members(const Place& place, const Write& write, const AccessTable& access, const Standing& standing) {
  const bool is_tree = place.exists && place.value == nullptr;
  const Value after = write.kind == Write::Kind::set ? write.value : Value{};
  ZoneSet zones = zones_in(after);
  if (is_tree)
    zones |= place.cell->map.zones;
  else if (place.exists)
    zones |= zones_in(*place.value);
  const bool is_concerned = write.path.zone() == Zone::data && zones.meets(guarded);
  if (!is_concerned && !access.has_limits_below(write.path)) [[likely]]
    return {};
  const Value before = !place.exists ? Value{} : is_tree ? gather(place.cell->map) : *place.value;
  const Path found = Guard{access, standing}.offence(write.path, before, after);
  if (found.is_root())
    return {};
  return Error{Errc::contract_violation, found.text(),
               std::string{to_string(write.kind)} + " of " + write.path.text() + " would change it, in the " +
                   std::string{to_string(found.zone())} + " zone",
               "Write the members beside it one by one"}
      .with("rule", "capability")
      .with("path", found.text())
      .with("right", to_string(write.kind));
}

}  // namespace theus
