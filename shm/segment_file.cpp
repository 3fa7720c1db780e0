#include "shm/segment_file.hpp"

#include "shm/refusal.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace theus::shm {
namespace {

Status add_seals(const Descriptor& file, int seals) {
  return ::fcntl(file.number(), F_ADD_SEALS, seals) == 0 ? Status{} : from_kernel("F_ADD_SEALS", errno);
}

// The first page of a file of the kernel's; empty when there is none.
std::string content_of(const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  char text[4096];
  const ssize_t got = file ? ::read(file.number(), text, sizeof text) : 0;
  return {text, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

// The number after `name` in such a file; nothing when there is none, or no limit.
std::optional<std::uint64_t> number_in(const std::string& path, std::string_view name) {
  const std::string content = content_of(path);
  const std::size_t at = content.find(name);
  if (at == std::string_view::npos)
    return std::nullopt;
  const char* first = content.data() + at + name.size();
  const char* last = content.data() + content.size();
  while (first != last && *first == ' ')
    ++first;
  std::uint64_t number = 0;
  return std::from_chars(first, last, number).ec == std::errc{} ? std::optional{number} : std::nullopt;
}

// The kernel's names for the limit of a group of processes, and for what it has in use.
struct GroupFiles {
  std::string_view line;  // of /proc/self/cgroup, up to the path
  std::string_view root;
  std::string_view limit;
  std::string_view used;
};

constexpr GroupFiles group_files[] = {
    {"0::", "/sys/fs/cgroup", "/memory.max", "/memory.current"},
    {":memory:", "/sys/fs/cgroup/memory", "/memory.limit_in_bytes", "/memory.usage_in_bytes"},
};

// Where this process stands among the groups; inside a container perhaps as its host sees it.
std::string group_in(std::string_view membership, std::string_view line) {
  const std::size_t at = membership.find(line);
  if (at == std::string_view::npos)
    return {};
  const std::string_view rest = membership.substr(at + line.size());
  return std::string{rest.substr(0, rest.find('\n'))};
}

// What a group may still take; what the kernel can drop counts as free.
std::uint64_t left_in(const std::string& folder, const GroupFiles& files) {
  const auto most = number_in(folder + std::string{files.limit}, "");
  const auto now = number_in(folder + std::string{files.used}, "");
  if (!most || !now)
    return std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t dropped = number_in(folder + "/memory.stat", "inactive_file").value_or(0);
  const std::uint64_t in_use = *now - std::min(*now, dropped);
  return *most - std::min(*most, in_use);
}

}  // namespace

std::uint64_t available_memory_bytes() {
  constexpr std::uint64_t kibibyte = 1024;
  const auto of_machine = number_in("/proc/meminfo", "MemAvailable:");
  std::uint64_t available = of_machine ? *of_machine * kibibyte : std::numeric_limits<std::uint64_t>::max();
  const std::string membership = content_of("/proc/self/cgroup");
  for (const GroupFiles& files : group_files)
    for (std::string group = group_in(membership, files.line);; group.resize(group.rfind('/'))) {
      while (group.ends_with('/'))
        group.pop_back();
      available = std::min(available, left_in(std::string{files.root} + group, files));
      if (group.find('/') == std::string::npos)
        break;
    }
  return available;
}

Status reserve(const Descriptor& file, std::uint64_t bytes) {
  // Beyond RLIMIT_FSIZE the kernel does not refuse but sends SIGXFSZ.
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && bytes > limit.rlim_cur)
    return no_space("a segment of " + std::to_string(bytes) + " bytes is over this process's file size limit", bytes,
                    limit.rlim_cur, "Raise the limit (ulimit -f)");
  // Some is left to the rest of the machine.
  constexpr std::uint64_t spared_bytes = std::uint64_t{64} << 20;
  const std::uint64_t available = available_memory_bytes();
  const std::uint64_t free = available - std::min(available, spared_bytes);
  if (bytes > free)
    return no_space("a segment of " + std::to_string(bytes) + " bytes is more than the memory that is left", bytes,
                    free, "Free memory, or raise the limit of this container");
  // In pieces: a signal undoes the piece at hand, and then only that is done again.
  constexpr std::uint64_t piece_bytes = std::uint64_t{16} << 20;
  constexpr int interruptions_max = 1000;
  int interruptions = 0;
  for (std::uint64_t at = 0; at < bytes;) {
    const std::uint64_t piece = std::min(piece_bytes, bytes - at);
    const int failed = ::posix_fallocate(file.number(), static_cast<off_t>(at), static_cast<off_t>(piece));
    if (failed == 0)
      at += piece;
    else if (failed != EINTR || ++interruptions == interruptions_max)
      return from_kernel("posix_fallocate", failed == EINTR ? EAGAIN : failed, bytes);
  }
  return {};
}

Result<Descriptor> create_memory_file(const char* name, std::uint64_t bytes) {
  Descriptor file{::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!file)
    return from_kernel("memfd_create", errno, bytes);
  if (auto status = reserve(file, bytes); !status)
    return status.error();
  return file;
}

Status seal_for_readers(const Descriptor& file) {
  return add_seals(file, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

Status seal_for_everybody(const Descriptor& file) {
  return add_seals(file, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

Status seal_size(const Descriptor& file) { return add_seals(file, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL); }

bool huge_pages_are_offered() {
  const Descriptor file{::open("/sys/kernel/mm/transparent_hugepage/shmem_enabled", O_RDONLY | O_CLOEXEC)};
  char text[128];
  const ssize_t got = file ? ::read(file.number(), text, sizeof text) : 0;
  const std::string_view offer{text, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  for (const std::string_view chosen : {"[always]", "[within_size]", "[advise]", "[force]"})
    if (offer.find(chosen) != std::string_view::npos)
      return true;
  return false;
}

}  // namespace theus::shm
