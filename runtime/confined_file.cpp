#include "runtime/confined_file.hpp"

#include "runtime/descriptor.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace theus {
namespace {

// Without O_NONBLOCK opening a pipe would wait for its writer.
constexpr int read_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;

Error refused(std::string_view name, std::string cause, std::string remedy = {}) {
  return Error{Errc::bad_input, std::string{name}, "'" + std::string{name} + "' " + std::move(cause),
               std::move(remedy)};
}

Error refused_by_system(std::string_view name, int error) {
  return refused(name, "cannot be read: " + std::generic_category().message(error));
}

Error leads_out(std::string_view name) {
  return refused(name, "leads out of the folder of its workflow",
                 "Name a file beneath that folder, or give the path on the command line");
}

int open_retrying(int folder, const char* name, int flags) noexcept {
  int number = -1;
  do
    number = ::openat(folder, name, flags);
  while (number < 0 && errno == EINTR);
  return number;
}

// For kernels and sandboxes without openat2: component by component, and no symbolic links at all.
int open_beneath_by_hand(int folder, const std::filesystem::path& name) {
  Descriptor at{::fcntl(folder, F_DUPFD_CLOEXEC, 0)};
  for (auto part = name.begin(); at && part != name.end(); ++part) {
    const int flags = std::next(part) == name.end() ? read_flags : O_PATH | O_CLOEXEC | O_DIRECTORY;
    at = Descriptor{open_retrying(at.number(), part->c_str(), flags | O_NOFOLLOW)};
  }
  return at.release();
}

int open_beneath(int folder, const std::filesystem::path& name) {
  open_how how{};
  how.flags = read_flags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  constexpr int attempts_max = 16;  // the kernel asks to try again when something was renamed meanwhile
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const long number = ::syscall(SYS_openat2, folder, name.c_str(), &how, sizeof how);
    if (number >= 0)
      return static_cast<int>(number);
    if (errno == ENOSYS || errno == EPERM)
      return open_beneath_by_hand(folder, name);
    if (errno != EINTR && errno != EAGAIN)
      return -1;
  }
  return -1;
}

Result<std::string> read_all(const Descriptor& file, std::string_view name, std::size_t bytes_max) {
  struct stat status {};
  if (::fstat(file.number(), &status) != 0)
    return refused_by_system(name, errno);
  if (!S_ISREG(status.st_mode))
    return refused(name, "is not a regular file");
  const Error too_large = refused(name, "has more than " + std::to_string(bytes_max) + " bytes");
  if (static_cast<std::uintmax_t>(status.st_size) > bytes_max)
    return too_large;
  std::string content;
  // One byte more than stated, so that the end is seen without another round.
  std::size_t room = static_cast<std::size_t>(status.st_size) + 1;
  while (true) {
    const std::size_t size = content.size();
    content.resize(size + room);
    const ssize_t count = ::read(file.number(), content.data() + size, room);
    content.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0)
      return content;
    if (count < 0 && errno != EINTR)
      return refused_by_system(name, errno);
    if (content.size() > bytes_max)
      return too_large;
    room = 64 << 10;
  }
}

bool has_dots(const std::filesystem::path& name) {
  return std::ranges::find(name, std::filesystem::path{".."}) != name.end();
}

}  // namespace

bool leads_out_of_folder(std::string_view name) {
  const std::filesystem::path relative{name};
  return relative.is_absolute() || has_dots(relative);
}

Result<std::string> read_beneath(const std::filesystem::path& folder, std::string_view name, std::size_t bytes_max) {
  const std::filesystem::path relative{name};
  if (relative.empty() || name.find('\0') != std::string_view::npos)
    return refused(name, "names no file");
  if (leads_out_of_folder(name))
    return leads_out(name);
  const std::string start = folder.empty() ? "." : folder.string();
  const Descriptor at{open_retrying(AT_FDCWD, start.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!at)
    return refused_by_system(start, errno);
  const Descriptor file{open_beneath(at.number(), relative)};
  if (!file)
    return errno == EXDEV || errno == ELOOP ? leads_out(name) : refused_by_system(name, errno);
  return read_all(file, name, bytes_max);
}

Result<std::string> read_file(const std::filesystem::path& file, std::size_t bytes_max) {
  const Descriptor opened{open_retrying(AT_FDCWD, file.c_str(), read_flags)};
  if (!opened)
    return refused_by_system(file.string(), errno);
  return read_all(opened, file.string(), bytes_max);
}

}  // namespace theus
