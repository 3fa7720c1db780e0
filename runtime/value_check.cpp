#include "runtime/value_check.hpp"

#include "runtime/zone_set.hpp"

#include <cmath>

namespace theus {
namespace {

/// Numbers and such: nothing about them can be wrong.
bool is_harmless(const Value& value) noexcept {
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

Error placed(const Write& write, const Error& fault) {
  Error error{fault.code(), write.path.text(), "at " + fault.where() + ": " + fault.cause(), fault.remedy()};
  for (const auto fields = fault.fields(); const auto [name, value] : fields.members())
    error.set(name, value);
  return error;
}

Status check_value(const Write& write) {
  if (is_harmless(write.value))
    return {};
  if (auto fit = check_limits(write.value); !fit)
    return placed(write, fit.error());
  if (const auto place = find_non_finite(write.value))
    return Error{Errc::bad_argument, write.path.text(),
                 "the number" + (place->is_root() ? std::string{} : " at " + place->text()) + " is not finite",
                 "Store null, or a string, where there is no number"};
  zones_in(write.value);  // remembered by the value, so that the turn need not walk a big new map
  return {};
}

}  // namespace

Status check_values(std::span<const Write> writes) {
  for (const Write& write : writes)
    if (auto fit = check_value(write); !fit)
      return fit;
  return {};
}

}  // namespace theus
