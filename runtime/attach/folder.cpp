#include "runtime/attach/folder.hpp"

#include <theus/value.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

namespace theus {
namespace {

Error refused_by_system(const std::filesystem::path& path) {
  return {Errc::bad_argument, path.string(), "the folder cannot be used: " + std::generic_category().message(errno)};
}

Error unsafe(const std::filesystem::path& path, std::string cause, std::string remedy) {
  return Error{Errc::join_refused, path.string(), std::move(cause), std::move(remedy)}.with("reason", Value{"folder"});
}

/// Absolute, and without the slash at the end that would make the system follow a symbolic link.
std::filesystem::path plain(const std::filesystem::path& path) {
  const auto whole = std::filesystem::absolute(path).lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();
}

Status check(int folder, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(folder, &status) != 0)
    return refused_by_system(path);
  if (status.st_uid != ::geteuid())
    return unsafe(path, "the folder belongs to another user", "Use a folder of your own");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return unsafe(path, "others can enter the folder", "chmod 700 " + path.string());
  return {};
}

}  // namespace

Result<std::optional<AttachFolder>> AttachFolder::open(const std::filesystem::path& path) {
  const auto whole = plain(path);
  Descriptor folder{::open(whole.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!folder && errno == ENOENT)
    return std::optional<AttachFolder>{};
  if (!folder && (errno == ELOOP || errno == ENOTDIR))
    return unsafe(whole, "a symbolic link or a file stands where the folder should be", "Remove it");
  if (!folder && errno == EACCES)
    return unsafe(whole, "the folder belongs to another user, or stands in one that does", "Attach as that user");
  if (!folder)
    return refused_by_system(whole);
  if (Status safe = check(folder.number(), whole); !safe)
    return safe.error();
  return std::optional{AttachFolder{std::move(folder), whole, false}};
}

Result<AttachFolder> AttachFolder::make(const std::filesystem::path& path) {
  const auto whole = plain(path);
  // Another engine may remove the folder when it leaves, between the two calls.
  constexpr int attempts_max = 16;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const bool was_made = ::mkdir(whole.c_str(), S_IRWXU) == 0;
    if (!was_made && errno != EEXIST)
      return refused_by_system(whole);
    auto opened = open(whole);
    if (!opened)
      return opened.error();
    if (*opened) {
      (*opened)->was_made_ = was_made;
      return **std::move(opened);
    }
  }
  errno = ENOENT;
  return refused_by_system(whole);
}

std::vector<std::string> AttachFolder::names() const {
  std::vector<std::string> names;
  // A descriptor of its own, because closing the stream closes it.
  Descriptor copy{::openat(number(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  const std::unique_ptr<DIR, int (*)(DIR*)> stream{copy ? ::fdopendir(copy.number()) : nullptr, ::closedir};
  if (!stream)
    return names;
  (void)copy.release();
  for (const dirent* entry = ::readdir(stream.get()); entry != nullptr && names.size() < names_max;
       entry = ::readdir(stream.get()))
    names.emplace_back(static_cast<const char*>(entry->d_name));
  std::ranges::sort(names);
  return names;
}

void AttachFolder::remove_if_made() noexcept {
  if (was_made_)
    ::rmdir(path_.c_str());
}

}  // namespace theus
