#pragma once

#include <theus/result.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace theus {

/// The bytes of a regular file that lies beneath `folder`, for names that stand in untrusted files: no absolute path,
/// no "..", no symbolic link that leads out. Refuses (bad_input) with cause and remedy; the caller adds the place.
Result<std::string> read_beneath(const std::filesystem::path& folder, std::string_view name, std::size_t bytes_max);

/// Whether such a name, or a pattern of names, is refused whatever there is.
bool leads_out_of_folder(std::string_view name);

/// The bytes of a regular file that the user named. Symbolic links are followed.
Result<std::string> read_file(const std::filesystem::path& file, std::size_t bytes_max);

}  // namespace theus
