#include "shm/mapping.hpp"

#include "shm/refusal.hpp"
#include "shm/segment_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <string>

#include <boost/interprocess/file_mapping.hpp>
#include <boost/interprocess/permissions.hpp>
#include <boost/interprocess/shared_memory_object.hpp>

namespace theus::shm {
namespace {

namespace bip = boost::interprocess;

// Addresses that nobody uses, beginning at a multiple of a huge page.
std::byte* reserve_addresses(std::uint64_t bytes) noexcept {
  void* found = ::mmap(nullptr, bytes + huge_page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (found == MAP_FAILED)
    return nullptr;
  auto* from = static_cast<std::byte*>(found);
  const auto address = reinterpret_cast<std::uintptr_t>(found);
  const std::size_t before = (huge_page_bytes - address % huge_page_bytes) % huge_page_bytes;
  if (before > 0)
    ::munmap(from, before);
  if (const std::size_t after = huge_page_bytes - before; after > 0)
    ::munmap(from + before + bytes, after);
  return from + before;
}

}  // namespace

Result<Mapping> Mapping::map(const Descriptor& file, std::uint64_t bytes, Access access, std::uint64_t offset) {
  const std::string path = "/proc/self/fd/" + std::to_string(file.number());
  const bip::mode_t mode = access == Access::write ? bip::read_write : bip::read_only;
  std::byte* aligned = nullptr;
  if (offset == 0 && bytes >= huge_page_bytes && bytes % std::uint64_t{4096} == 0) {
    aligned = reserve_addresses(bytes);
    if (aligned == nullptr)
      return from_kernel("mmap", ENOMEM, bytes);
  }
  try {
    const bip::file_mapping opened{path.c_str(), mode};
    if (aligned == nullptr)
      return Mapping{bip::mapped_region{opened, mode, static_cast<bip::offset_t>(offset), bytes}};
    return Mapping{bip::mapped_region{opened, mode, 0, bytes, aligned, MAP_FIXED}};
  } catch (const bip::interprocess_exception& refused) {
    if (aligned != nullptr)
      ::munmap(aligned, bytes);
    const int number = refused.get_native_error();
    if (number == EPERM || number == EACCES)
      return bad_handle("a segment cannot be mapped: " + std::string{refused.what()});
    return from_kernel("mmap", number, bytes);
  }
}

Result<Descriptor> create_shared_memory(const std::string& name, unsigned mode) {
  try {
    const bip::permissions rights{static_cast<int>(mode)};
    const bip::shared_memory_object made{bip::create_only, name.c_str(), bip::read_write, rights};
    Descriptor file{::fcntl(made.get_mapping_handle().handle, F_DUPFD_CLOEXEC, 0)};
    if (!file) {
      const int number = errno;
      bip::shared_memory_object::remove(name.c_str());
      return from_kernel("F_DUPFD_CLOEXEC", number);
    }
    return file;
  } catch (const bip::interprocess_exception& refused) {
    return from_kernel("shm_open", refused.get_native_error());
  }
}

void Mapping::want_huge_pages() const noexcept { ::madvise(address(), bytes(), MADV_HUGEPAGE); }

void Mapping::populate_for_writing() const noexcept {
#ifdef MADV_POPULATE_WRITE
  ::madvise(address(), bytes(), MADV_POPULATE_WRITE);
#endif
}

}  // namespace theus::shm
