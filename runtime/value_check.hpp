#pragma once

#include <theus/limits.hpp>
#include <theus/write.hpp>

#include <algorithm>
#include <cmath>
#include <span>

namespace theus {

/// From this size on somebody should think about a value: each commit that sets it walks through all of it.
inline constexpr std::size_t large_value_bytes = std::size_t{1} << 20;

struct LargeWrite {
  const Path* path;
  std::size_t bytes;
};

/// Numbers and such: nothing about them can be wrong.
inline bool is_harmless(const Value& value) noexcept {
  switch (value.kind()) {
    case Value::Kind::null:
    case Value::Kind::boolean:
    case Value::Kind::integer:
    case Value::Kind::heavy: return true;
    case Value::Kind::real: return std::isfinite(value.as_double());
    case Value::Kind::string:
    case Value::Kind::bytes:
    case Value::Kind::list:
    case Value::Kind::map: return false;
  }
  return false;
}

/// Whether the kind alone tells that the zone does not take it: the heavy zone takes handles, null, and lists and maps
/// of handles.
inline bool is_misplaced(const Write& write) noexcept {
  return write.path.zone() == Zone::heavy && write.kind != Write::Kind::erase && !write.value.is_heavy() &&
         !write.value.is_null();
}

inline bool are_harmless(std::span<const Write> writes) noexcept {
  return std::ranges::all_of(writes,
                             [](const Write& write) { return is_harmless(write.value) && !is_misplaced(write); });
}

/// Whether all of this may enter the state, whatever the state is: within the limits of check_limits(), and without NaN
/// or infinity (bad_argument), unless a schema will be asked about them, and of the kinds that its zone takes
/// (contract_violation). Tells one write of a large value to the data zone, if there is one. Costs nothing to speak of
/// for scalars, one walk for lists and maps. Any thread.
Result<std::optional<LargeWrite>> check_values(std::span<const Write> writes, bool non_finite = false);

}  // namespace theus
