#include "runtime/value_check.hpp"

#include "runtime/zone_set.hpp"

namespace theus {
namespace {

Error placed(const Write& write, const Error& fault) {
  Error error{fault.code(), write.path.text(), "at " + fault.where() + ": " + fault.cause(), fault.remedy()};
  for (const auto fields = fault.fields(); const auto [name, value] : fields.members())
    error.set(name, value);
  return error;
}

/// The bytes of the value's encoding; 0 for numbers and such.
Result<std::size_t> checked_bytes(const Write& write, bool non_finite) {
  if (is_harmless(write.value))
    return std::size_t{0};
  const auto bytes = measured_bytes(write.value);
  if (!bytes)
    return placed(write, bytes.error());
  if (const auto place = non_finite ? std::nullopt : find_non_finite(write.value))
    return Error{Errc::bad_argument, write.path.text(),
                 "the number" + (place->is_root() ? std::string{} : " at " + place->text()) + " is not finite",
                 "Store null, or a string, where there is no number"};
  return *bytes;
}

}  // namespace

Result<std::optional<LargeWrite>> check_values(std::span<const Write> writes, bool non_finite) {
  std::optional<LargeWrite> large;
  for (const Write& write : writes) {
    const auto bytes = checked_bytes(write, non_finite);
    if (!bytes)
      return bytes.error();
    if (*bytes >= large_value_bytes && write.path.zone() == Zone::data)
      large = LargeWrite{&write.path, *bytes};
  }
  return large;
}

}  // namespace theus
