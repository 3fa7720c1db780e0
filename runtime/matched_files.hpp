#pragma once

#include <theus/result.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace theus {

/// What of a pattern leads to its first wildcard (`*`, `?` or `[`): the folder that matching names are told from.
std::string_view fixed_part(std::string_view pattern) noexcept;

/// The names beneath `folder` that a pattern of glob(7) matches, sorted by their bytes; folders and what begins with a
/// dot are left out. An empty folder is the current one. Refuses (bad_input) more than `names_max`, none, and what
/// cannot be listed.
Result<std::vector<std::string>> matched_files(const std::filesystem::path& folder, std::string_view pattern,
                                               std::size_t names_max);

}  // namespace theus
