#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace theus {

// Keys of the one-member objects that stand for what JSON has no words for; see <theus/json.hpp>.
inline constexpr std::string_view bytes_tag = "$bytes";
inline constexpr std::string_view real_tag = "$real";
inline constexpr std::string_view heavy_tag = "$heavy";

/// Whether the key is one of the tags, or one of them behind further dollar signs.
inline bool is_tag_like(std::string_view key) noexcept {
  const std::size_t dollars = std::min(key.find_first_not_of('$'), key.size());
  if (dollars == 0)
    return false;
  key.remove_prefix(dollars - 1);
  return key == bytes_tag || key == real_tag || key == heavy_tag;
}

}  // namespace theus
