#include "runtime/cli/new_file.hpp"

#include "runtime/cli/console.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace theus::cli {
namespace {

Error failed(const std::filesystem::path& file, const std::error_code& why) {
  return Error{Errc::bad_input, file.string(), "the file cannot be written: " + why.message(),
               "Check the folder, its rights and the free space"};
}

std::error_code last_error() noexcept { return {errno, std::generic_category()}; }

/// Writes and syncs the temporary file, and gives it its name; the descriptor is closed by the caller.
std::error_code put(int descriptor, const std::string& temporary, const std::filesystem::path& file,
                    std::string_view content, bool replace) {
  constexpr mode_t mode = 0644;
  if (const auto wrong = write_all(descriptor, content))
    return wrong;
  if (fchmod(descriptor, mode) != 0 || fsync(descriptor) != 0)
    return last_error();
  // A link does not replace what somebody else put there meanwhile.
  const int named = replace ? std::rename(temporary.c_str(), file.c_str()) : link(temporary.c_str(), file.c_str());
  return named == 0 ? std::error_code{} : last_error();
}

std::error_code sync_folder(const std::filesystem::path& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0)
    return last_error();
  const std::error_code wrong = fsync(descriptor) == 0 ? std::error_code{} : last_error();
  close(descriptor);
  return wrong;
}

}  // namespace

Status write_new_file(const std::filesystem::path& file, std::string_view content, bool replace) {
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  std::error_code wrong;
  std::filesystem::create_directories(folder, wrong);
  if (wrong)
    return failed(file, wrong);
  std::string temporary = (folder / ".theus-XXXXXX").string();
  const int descriptor = mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0)
    return failed(file, last_error());
  wrong = put(descriptor, temporary, file, content, replace);
  close(descriptor);
  unlink(temporary.c_str());
  if (wrong == std::errc::file_exists)
    return Error{Errc::bad_input, file.string(), "the file is there already", "Give --force to replace it"};
  if (!wrong)
    wrong = sync_folder(folder);
  return wrong ? Status{failed(file, wrong)} : Status{};
}

}  // namespace theus::cli
