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

/// What the heavy zone takes below a path: handles and null, by themselves or as the parts of one list or map.
bool is_of_handles(const Value& value) noexcept {
  const auto fits = [](const Value& part) { return part.is_heavy() || part.is_null(); };
  for (const Value& item : value.items())
    if (!fits(item))
      return false;
  for (const auto [key, item] : value.members())
    if (!fits(item))
      return false;
  return fits(value) || value.is_list() || value.is_map();
}

Error not_heavy(const Write& write) {
  return Error{Errc::contract_violation, write.path.text(),
               "heavy_only: the heavy zone takes buffers, and lists and maps of them, not a value of kind " +
                   std::string{to_string(write.value.kind())},
               "Publish a HeavyBuffer and write its handle; other values belong to the data zone"}
      .with("rule", "heavy_only")
      .with("path", write.path.text());
}

}  // namespace

Result<std::optional<LargeWrite>> check_values(std::span<const Write> writes, bool non_finite) {
  std::optional<LargeWrite> large;
  for (const Write& write : writes) {
    const auto bytes = checked_bytes(write, non_finite);
    if (!bytes)
      return bytes.error();
    if (is_misplaced(write) && !is_of_handles(write.value))
      return not_heavy(write);
    if (*bytes >= large_value_bytes && write.path.zone() == Zone::data)
      large = LargeWrite{&write.path, *bytes};
  }
  return large;
}

}  // namespace theus
