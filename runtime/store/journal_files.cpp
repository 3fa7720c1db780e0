#include "runtime/store/journal_files.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

namespace theus::store {
namespace {

Error failure(const std::filesystem::path& path, std::string_view what) {
  const int number = errno;
  return Error{number == ENOSPC || number == EDQUOT ? Errc::disk_full : Errc::journal_failed, path.string(),
               std::string{what} + ": " + std::strerror(number), "Name a place where this user may write"}
      .with("errno", number);
}

Error unfit(const std::filesystem::path& path, std::string cause) {
  return Error{Errc::journal_failed, path.string(), std::move(cause), "Name a file of your own, or a new one"};
}

/// Whether the file was made.
Result<bool> make(const std::filesystem::path& path) {
  const auto is_there = JournalFiles::check(path);
  if (!is_there || *is_there)
    return is_there ? Result<bool>{false} : Result<bool>{is_there.error()};
  const Descriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!file)
    return failure(path, "it cannot be made");
  if (::fchmod(file.number(), 0600) != 0)  // whatever the umask says
    return failure(path, "its mode cannot be set");
  return true;
}

Status sync_folder(const std::filesystem::path& folder) {
  const Descriptor opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened || ::fsync(opened.number()) != 0)
    return failure(folder, "the directory cannot be synced");
  return {};
}

long pid_in(const Descriptor& lock) {
  std::array<char, 24> text{};
  const ssize_t got = ::pread(lock.number(), text.data(), text.size(), 0);
  long pid = 0;
  if (got > 0)
    std::from_chars(text.data(), text.data() + got, pid);
  return pid;
}

Result<Descriptor> lock(const std::filesystem::path& path) {
  const auto made = make(path);
  if (!made)
    return made.error();
  Descriptor file{::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW)};
  if (!file)
    return failure(path, "it cannot be opened");
  if (::flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return failure(path, "it cannot be locked");
    const long pid = pid_in(file);
    return Error{Errc::journal_in_use, path.string(),
                 "another engine, of process " + std::to_string(pid) + ", uses the journal",
                 "End it first, attach to it, or name another journal"}
        .with("pid", pid);
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file.number(), 0) != 0 ||
      ::pwrite(file.number(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return failure(path, "it cannot be written");
  return file;
}

}  // namespace

Result<bool> JournalFiles::check(const std::filesystem::path& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT)
      return false;
    return failure(path, "it cannot be looked at");
  }
  if (S_ISLNK(found.st_mode))
    return unfit(path, "it is a symbolic link");
  if (!S_ISREG(found.st_mode))
    return unfit(path, "it is no regular file");
  if (found.st_nlink != 1)
    return unfit(path, "it has more than one name");
  if (found.st_uid != ::geteuid())
    return unfit(path, "it belongs to another user");
  return true;
}

Result<JournalFiles> JournalFiles::claim(const std::filesystem::path& path) {
  JournalFiles files;
  std::error_code unresolved;
  files.path_ = std::filesystem::absolute(path, unresolved);
  if (unresolved)
    return unfit(path, unresolved.message());
  auto locked = lock(lock_of(files.path_));
  if (!locked)
    return locked.error();
  files.lock_ = *std::move(locked);
  for (const auto& beside : {log_of(files.path_), with(files.path_, "-shm")})
    if (const auto fit = check(beside); !fit)
      return fit.error();
  const auto made = make(files.path_);
  if (!made)
    return made.error();
  const auto mark_made = make(mark_of(files.path_));
  if (!mark_made)
    return mark_made.error();
  if (::stat(files.path_.c_str(), &files.claimed_) != 0)
    return failure(files.path_, "it cannot be looked at");
  files.is_new_ = *made || files.claimed_.st_size == 0;
  files.is_mark_new_ = *mark_made;
  if (*made || *mark_made)
    if (auto synced = sync_folder(files.path_.parent_path()); !synced)
      return synced.error();
  return files;
}

void JournalFiles::reserve_log(std::size_t bytes) const {
  const Descriptor log{::open(log_of(path_).c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW)};
  struct stat found {};
  if (!log || ::fstat(log.number(), &found) != 0)
    return;
  const std::vector<char> zeros(std::size_t{1} << 16);
  auto at = static_cast<std::size_t>(found.st_size);
  while (at < bytes) {
    const std::size_t wanted = std::min(zeros.size(), bytes - at);
    if (::pwrite(log.number(), zeros.data(), wanted, static_cast<off_t>(at)) != static_cast<ssize_t>(wanted))
      return static_cast<void>(::ftruncate(log.number(), found.st_size));
    at += wanted;
  }
  if (at > static_cast<std::size_t>(found.st_size))
    (void)::fsync(log.number());
}

Status JournalFiles::check_in_place() const {
  struct stat found {};
  if (::lstat(path_.c_str(), &found) != 0)
    return failure(path_, "the journal has gone");
  if (found.st_dev != claimed_.st_dev || found.st_ino != claimed_.st_ino)
    return unfit(path_, "another file stands in place of the journal");
  return {};
}

}  // namespace theus::store
