#include "runtime/schema_program.hpp"

#include <algorithm>

#include <re2/re2.h>

namespace theus {

SchemaProgram::SchemaProgram() = default;
SchemaProgram::~SchemaProgram() = default;

const SchemaProperty* SchemaProgram::find(const SchemaNode& node, std::string_view key,
                                          std::uint64_t hash) const noexcept {
  constexpr std::uint32_t scanned_max = 8;
  const std::uint32_t* const first = by_hash.data() + node.properties.first;
  const std::uint32_t* const last = first + node.properties.count;
  const auto hash_of = [this](std::uint32_t at) { return properties[at].hash; };
  const std::uint32_t* at = first;
  if (node.properties.count > scanned_max)
    at = std::ranges::lower_bound(first, last, hash, {}, hash_of);
  for (; at != last && hash_of(*at) <= hash; ++at)
    if (hash_of(*at) == hash && properties[*at].key == key)
      return &properties[*at];
  return nullptr;
}

}  // namespace theus
