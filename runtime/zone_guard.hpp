#pragma once

#include "runtime/access.hpp"
#include "runtime/state_tree.hpp"

namespace theus {

/// Refuses (contract_violation, rule "capability") a set or erase of a parent that would change, remove or bring in
/// what the caller may not write below it by reason of its zone (constant, private, log) or of an override. What may be
/// appended to may grow at its end, and come in; lists are taken as a whole. Costs next to nothing where no key
/// names such a zone; below overrides every member is looked at.
Status check_members(const Place& place, const Write& write, const AccessTable& access, const Standing& standing);
inline Status check_below(const Place& place, const Write& write, const AccessTable& access, const Standing& standing) {
  const bool has_members = place.exists && (place.value == nullptr || place.value->is_map());
  const bool gets_members = write.kind == Write::Kind::set && write.value.is_map();
  if (!has_members && !gets_members && !access.has_overrides()) [[likely]]
    return {};
  return check_members(place, write, access, standing);
}

}  // namespace theus
