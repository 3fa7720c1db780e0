#pragma once

#include <theus/value.hpp>

namespace theus {

/// Canonical order of keys (RFC 8949, 4.2.1, for text strings): shorter first, then bytewise.
inline bool key_before(std::string_view a, std::string_view b) noexcept {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

/// A list of the items, which are moved from, in O(n).
Value build_list(std::span<Value> items);

/// A map of alternating keys and items, which are moved from, in O(n).
/// REQUIRES: keys are strings in canonical order without duplicates (checked by assert).
Value build_map(std::span<Value> keys_and_items);

}  // namespace theus
