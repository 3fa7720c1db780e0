#pragma once

#include <theus/path.hpp>
#include <theus/value.hpp>

#include <optional>

namespace theus {

/// How much one value may hold before it enters the state, a signal or an outbox entry.
struct ValueLimits {
  /// Lists and maps inside one another; a scalar has depth 0. Not more than a path has segments.
  std::size_t depth_max = Path::segments_max;
  /// Of the canonical encoding.
  std::size_t bytes_max = std::size_t{64} << 20;
};

/// Whether a value may be stored and sent: too_deep or too_large over a limit, bad_argument for a string that is not
/// UTF-8 and for a key that no path can name. The error's place and field `path` say where within the value; the fields
/// `limit` and `asked` how much. Costs one walk, which ends where a limit is passed; thread-safe.
Status check_limits(const Value& value, const ValueLimits& limits = {});
/// As check_limits; tells the bytes of the value's canonical encoding.
Result<std::size_t> measured_bytes(const Value& value, const ValueLimits& limits = {});

/// Where the first NaN or infinity stands within the value, if there is one.
std::optional<Path> find_non_finite(const Value& value);

}  // namespace theus
