#include "runtime/attach/engine_entry.hpp"

#include <theus/value.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace theus {
namespace {

constexpr std::string_view prefix = "engine-";
constexpr std::string_view token_suffix = ".token";
constexpr int entries_per_process_max = 64;

std::string token_name(const std::string& name) { return name + std::string{token_suffix}; }

std::optional<struct stat> status_of(int file) {
  struct stat status {};
  return ::fstat(file, &status) == 0 ? std::optional{status} : std::nullopt;
}

std::optional<struct stat> status_of(int folder, const std::string& name) {
  struct stat status {};
  return ::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 ? std::optional{status} : std::nullopt;
}

FileIdentity identity(const struct stat& status) noexcept { return {status.st_dev, status.st_ino}; }

bool is_ours_alone(const struct stat& status) noexcept {
  return S_ISREG(status.st_mode) && status.st_uid == ::geteuid() && status.st_nlink == 1 &&
         (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

/// The token file, locked, if it is a running engine's no longer and still stands under its name.
Descriptor locked(const AttachFolder& folder, const std::string& name, int flags) {
  Descriptor file{::openat(folder.number(), token_name(name).c_str(),
                           flags | O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, S_IRUSR | S_IWUSR)};
  if (!file || ::flock(file.number(), LOCK_EX | LOCK_NB) != 0)
    return {};
  const auto opened = status_of(file.number());
  const auto named = status_of(folder.number(), token_name(name));
  const bool is_current = opened && named && identity(*opened) == identity(*named) && is_ours_alone(*opened);
  return is_current ? std::move(file) : Descriptor{};
}

/// REQUIRES: the lock of the entry is held. Whether nothing stands under the name afterwards.
bool remove_own_socket(const AttachFolder& folder, const std::string& name) {
  const auto status = status_of(folder.number(), name);
  if (!status)
    return errno == ENOENT;
  return S_ISSOCK(status->st_mode) && status->st_uid == ::geteuid() &&
         ::unlinkat(folder.number(), name.c_str(), 0) == 0;
}

std::vector<std::string> entries_in(const AttachFolder& folder) {
  std::vector<std::string> names;
  for (const std::string& file : folder.names())
    if (file.starts_with(prefix) && file.ends_with(token_suffix))
      names.push_back(file.substr(0, file.size() - token_suffix.size()));
  std::ranges::sort(names);
  return names;
}

void clear_stale(const AttachFolder& folder) {
  for (const std::string& name : entries_in(folder))
    if (const Descriptor lock = locked(folder, name, 0); lock && remove_own_socket(folder, name))
      ::unlinkat(folder.number(), token_name(name).c_str(), 0);
}

bool write_token(int file, const Secret& token) {
  const std::string text = token.text() + "\n";
  return ::ftruncate(file, 0) == 0 && ::pwrite(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

Error in_the_way(const AttachFolder& folder, const std::string& name) {
  return {Errc::bad_argument, (folder.path() / name).string(), "something that is no socket of ours stands there",
          "Remove it"};
}

}  // namespace

EngineEntry::EngineEntry(AttachFolder folder, std::string name, Descriptor lock, const Secret& token,
                         PacketListener listener, FileIdentity socket) noexcept
    : folder_(std::move(folder)),
      name_(std::move(name)),
      lock_(std::move(lock)),
      token_(token),
      listener_(std::move(listener)),
      socket_(socket) {}

Result<EngineEntry> EngineEntry::make(const std::filesystem::path& path) {
  // The folder may vanish with the last engine in it before this one has entered.
  constexpr int attempts_max = 16;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    auto folder = AttachFolder::make(path);
    if (!folder)
      return folder.error();
    clear_stale(*folder);
    for (int number = 1; number <= entries_per_process_max; ++number) {
      std::string name =
          std::string{prefix} + std::to_string(::getpid()) + (number == 1 ? "" : "-" + std::to_string(number));
      if (Descriptor lock = locked(*folder, name, O_CREAT))
        return enter(*std::move(folder), std::move(name), std::move(lock));
    }
  }
  return Error{Errc::resource_exhausted, path.string(), "there is no free name for the engine's socket"};
}

Result<EngineEntry> EngineEntry::enter(AttachFolder folder, std::string name, Descriptor lock) {
  if (!remove_own_socket(folder, name))
    return in_the_way(folder, name);
  const Secret token = Secret::random();
  if (!write_token(lock.number(), token))
    return Error{Errc::bad_argument, (folder.path() / token_name(name)).string(),
                 "the token cannot be written: " + std::generic_category().message(errno)};
  auto listener = PacketListener::bind(folder.number(), name);
  if (!listener)
    return listener.error();
  const auto socket = status_of(folder.number(), name);
  if (!socket || !S_ISSOCK(socket->st_mode) || socket->st_uid != ::geteuid())
    return in_the_way(folder, name);
  return EngineEntry{std::move(folder),    std::move(name),  std::move(lock), token,
                     *std::move(listener), identity(*socket)};
}

EngineEntry::~EngineEntry() {
  if (!lock_)
    return;  // moved from
  if (const auto status = status_of(folder_.number(), name_); status && identity(*status) == socket_)
    ::unlinkat(folder_.number(), name_.c_str(), 0);
  ::unlinkat(folder_.number(), token_name(name_).c_str(), 0);
  folder_.remove_if_made();
}

std::string EngineEntry::handle() const { return std::string{handle_scheme} + (folder_.path() / name_).string(); }

std::vector<std::string> running_engines(const AttachFolder& folder) {
  auto names = entries_in(folder);
  std::erase_if(names, [&](const std::string& name) {
    const Descriptor token{
        ::openat(folder.number(), token_name(name).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
    const bool runs = token && ::flock(token.number(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    return !runs || !status_of(folder.number(), name);
  });
  return names;
}

Result<Secret> read_token(const AttachFolder& folder, const std::string& name) {
  const std::string where = (folder.path() / token_name(name)).string();
  const Descriptor file{
      ::openat(folder.number(), token_name(name).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  if (!file)
    return Error{Errc::owner_down, where, "no engine has left a token there: " + std::generic_category().message(errno),
                 "Start an engine, or attach to another one"};
  const auto status = status_of(file.number());
  if (!status || !is_ours_alone(*status))
    return Error{Errc::join_refused, where, "the token file is not ours alone", "Start the engine again"}.with("reason",
                                                                                                               "token");
  std::array<char, 2 * Secret::size + 2> text{};
  const ssize_t length = ::pread(file.number(), text.data(), text.size(), 0);
  const auto token = Secret::parse({text.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))});
  if (!token)
    return Error{Errc::owner_down, where, "there is no token in the file", "Start the engine again"};
  return *token;
}

}  // namespace theus
