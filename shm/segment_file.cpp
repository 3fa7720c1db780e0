#include "shm/segment_file.hpp"

#include "shm/refusal.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>

namespace theus::shm {
namespace {

Status add_seals(const Descriptor& file, int seals) {
  return ::fcntl(file.number(), F_ADD_SEALS, seals) == 0 ? Status{} : from_kernel("F_ADD_SEALS", errno);
}

}  // namespace

Status reserve(const Descriptor& file, std::uint64_t bytes) {
  // Beyond RLIMIT_FSIZE the kernel does not refuse but sends SIGXFSZ.
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && bytes > limit.rlim_cur)
    return no_space("a segment of " + std::to_string(bytes) + " bytes is over this process's file size limit", bytes,
                    limit.rlim_cur, "Raise the limit (ulimit -f)");
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
