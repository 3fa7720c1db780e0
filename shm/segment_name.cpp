#include "shm/segment_name.hpp"

#include "shm/mapping.hpp"
#include "shm/refusal.hpp"
#include "shm/segment_file.hpp"
#include "shm/segment_header.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace theus::shm {
namespace {

constexpr std::string_view prefix = "theus-";

std::uint64_t pid_namespace() {
  struct stat status {};
  return ::stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

// Reads one number up to the next '-' or the end; the way it is written must be the only one.
template <class Number>
bool take(std::string_view& text, Number& number, int base = 10) {
  const std::size_t end = std::min(text.find('-'), text.size());
  const std::string_view digits = text.substr(0, end);
  if (digits.empty() || (digits.size() > 1 && digits.front() == '0'))
    return false;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  if (error != std::errc{} || stop != digits.data() + digits.size())
    return false;
  text.remove_prefix(std::min(end + 1, text.size()));
  return true;
}

enum class Verdict { foreign, alive, dead };

Verdict judge(int folder, const std::string& name, std::uint64_t our_namespace, std::uint64_t& bytes) {
  const auto parsed = parse_segment_name(name);
  if (!parsed || parsed->user != ::geteuid())
    return Verdict::foreign;
  const Descriptor file{::openat(folder, name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  struct stat status {};
  if (!file || ::fstat(file.number(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != ::geteuid())
    return Verdict::foreign;
  bytes = static_cast<std::uint64_t>(status.st_size);
  const bool pid_tells = parsed->pid_namespace == our_namespace;
  if (pid_tells ? is_alive(parsed->owner) : !read_header(file, SegmentKind::pool))
    return Verdict::alive;
  return ::flock(file.number(), LOCK_EX | LOCK_NB) == 0 ? Verdict::dead : Verdict::alive;
}

}  // namespace

std::string to_text(const SegmentName& name) {
  char engine[17];
  const auto end = std::to_chars(engine, engine + sizeof engine, name.engine, 16).ptr;
  std::string text{prefix};
  for (const std::uint64_t number :
       {std::uint64_t{name.user}, name.pid_namespace, static_cast<std::uint64_t>(name.owner.pid), name.owner.started})
    text += std::to_string(number) + "-";
  return text + std::string{engine, end} + "-" + std::to_string(name.number);
}

std::optional<SegmentName> parse_segment_name(std::string_view text) {
  const std::string_view whole = text;
  if (!text.starts_with(prefix))
    return std::nullopt;
  text.remove_prefix(prefix.size());
  SegmentName name;
  constexpr int hexadecimal = 16;
  if (!take(text, name.user) || !take(text, name.pid_namespace) || !take(text, name.owner.pid) ||
      !take(text, name.owner.started) || !take(text, name.engine, hexadecimal) || !take(text, name.number) ||
      name.owner.pid <= 0 || to_text(name) != whole)
    return std::nullopt;
  return name;
}

Result<NamedFile> create_named_file(std::uint64_t engine, std::uint32_t number, std::uint64_t bytes) {
  const std::string name = to_text({::geteuid(), pid_namespace(), this_process(), engine, number});
  auto file = create_shared_memory(name, private_mode);
  if (!file)
    return file.error();
  const auto discard = [&](Error error) {
    remove_name(name);
    return error;
  };
  if (::flock(file->number(), LOCK_EX | LOCK_NB) != 0)
    return discard(from_kernel("flock", errno));
  // A umask may have taken rights away from us, but never gives any to others.
  if (::fchmod(file->number(), private_mode) != 0)
    return discard(from_kernel("fchmod", errno));
  if (auto status = reserve(*file, bytes); !status)
    return discard(status.error());
  return NamedFile{name, *std::move(file)};
}

void remove_name(const std::string& name) noexcept { ::shm_unlink(("/" + name).c_str()); }

namespace {

ReapReport look_through(const std::string& folder, bool removes) {
  struct Close {
    void operator()(DIR* open) const noexcept { ::closedir(open); }
  };
  ReapReport report;
  const std::unique_ptr<DIR, Close> open{::opendir(folder.c_str())};
  if (!open)
    return report;
  const std::uint64_t our_namespace = pid_namespace();
  while (const dirent* entry = ::readdir(open.get())) {
    std::uint64_t bytes = 0;
    switch (judge(::dirfd(open.get()), entry->d_name, our_namespace, bytes)) {
      case Verdict::foreign: break;
      case Verdict::alive: ++report.alive; break;
      case Verdict::dead:
        if (!removes || ::unlinkat(::dirfd(open.get()), entry->d_name, 0) == 0) {
          report.dead.emplace_back(entry->d_name);
          report.bytes += bytes;
        }
    }
  }
  return report;
}

}  // namespace

ReapReport remove_dead_segments(const std::string& folder) { return look_through(folder, true); }
ReapReport find_segments(const std::string& folder) { return look_through(folder, false); }

bool is_heavy_name(std::string_view name) noexcept {
  constexpr std::size_t bytes_max = 64;
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_.-";
  return !name.empty() && name.size() <= bytes_max && name.find_first_not_of(allowed) == std::string_view::npos &&
         name.find_first_not_of('.') != std::string_view::npos;
}

}  // namespace theus::shm
