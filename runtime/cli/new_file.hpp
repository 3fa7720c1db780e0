#pragma once

#include <theus/result.hpp>

#include <filesystem>
#include <string_view>

namespace theus::cli {

/// Writes a file as a whole or not at all, its folder included: beside its place first, synced, then renamed. Refuses
/// (bad_input) to replace one that is there, unless that is wanted.
Status write_new_file(const std::filesystem::path& file, std::string_view content, bool replace);

}  // namespace theus::cli
