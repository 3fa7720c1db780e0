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

/// The bytes of the value's encoding; 0 for numbers and such.
Result<std::size_t> checked_bytes(const Write& write) {
  if (is_harmless(write.value))
    return std::size_t{0};
  const auto bytes = measured_bytes(write.value);
  if (!bytes)
    return placed(write, bytes.error());
  if (const auto place = find_non_finite(write.value))
    return Error{Errc::bad_argument, write.path.text(),
                 "the number" + (place->is_root() ? std::string{} : " at " + place->text()) + " is not finite",
                 "Store null, or a string, where there is no number"};
  return *bytes;
}

}  // namespace

Result<std::optional<LargeWrite>> check_values(std::span<const Write> writes) {
  std::optional<LargeWrite> large;
  for (const Write& write : writes) {
    const auto bytes = checked_bytes(write);
    if (!bytes)
      return bytes.error();
    if (*bytes >= large_value_bytes && write.path.zone() == Zone::data)
      large = LargeWrite{&write.path, *bytes};
  }
  return large;
}

}  // namespace theus
