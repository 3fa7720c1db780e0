#include "runtime/fork_mark.hpp"

#include <theus/result.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace theus {
namespace {

std::size_t page_bytes() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

[[noreturn]] void refuse(const char* call) {
  raise(Error{Errc::resource_exhausted, "fork mark", std::string{call} + ": " + std::strerror(errno),
              "Free memory, or raise the limit of mappings; the kernel must be Linux 4.14 or newer"});
}

}  // namespace

ForkMark::ForkMark() {
  void* page = ::mmap(nullptr, page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED)
    refuse("mmap");
  if (::madvise(page, page_bytes(), MADV_WIPEONFORK) != 0) {
    ::munmap(page, page_bytes());
    refuse("madvise");
  }
  page_ = static_cast<volatile unsigned char*>(page);
  *page_ = 1;
}

ForkMark::~ForkMark() { ::munmap(const_cast<unsigned char*>(page_), page_bytes()); }

}  // namespace theus
