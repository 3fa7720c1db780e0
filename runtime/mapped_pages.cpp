#include "runtime/mapped_pages.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <new>
#include <system_error>

namespace theus {
namespace {

constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

Error refused(Errc code, const char* what) {
  return {code, "shared memory", std::string{what} + ": " + std::generic_category().message(errno),
          "Free memory and descriptors, or raise their limits"};
}

/// What is shared, to be replaced in forked children. Lives for ever: children are forked at any time.
struct SharedOnes {
  std::mutex mutex;
  std::map<std::byte*, std::size_t> sizes;

  static SharedOnes& all() {
    // NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): never destroyed
    static SharedOnes& ones = *[] {
      auto* made = new SharedOnes;
      ::pthread_atfork([] { all().mutex.lock(); }, [] { all().mutex.unlock(); },
                       [] {
                         for (const auto& [memory, size] : all().sizes)
                           ::mmap(memory, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
                         all().mutex.unlock();
                       });
      return made;
    }();
    return ones;
  }
  void add(std::byte* memory, std::size_t size) {
    const std::lock_guard lock{mutex};
    sizes.emplace(memory, size);
  }
  void remove(std::byte* memory) {
    const std::lock_guard lock{mutex};
    sizes.erase(memory);
  }
};

std::byte* map(std::size_t bytes, int access, int kind, int file) noexcept {
  void* memory = ::mmap(nullptr, bytes, access, kind, file, 0);
  if (memory == MAP_FAILED)
    return nullptr;
  // A hint; without it a lap through much memory misses the cache of page addresses again and again.
  if (bytes >= 2 * huge_page_bytes)
    ::madvise(memory, bytes, MADV_HUGEPAGE);
  return static_cast<std::byte*>(memory);
}

}  // namespace

MappedPages::MappedPages(std::byte* memory, std::size_t size, bool is_shared, Descriptor file)
    : memory_(memory), size_(size), is_shared_(is_shared), file_(std::move(file)) {
  if (is_shared_)
    SharedOnes::all().add(memory_, size_);
}

MappedPages::MappedPages(MappedPages&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      is_shared_(std::exchange(other.is_shared_, false)),
      file_(std::move(other.file_)) {}

MappedPages& MappedPages::operator=(MappedPages&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(size_, other.size_);
  std::swap(is_shared_, other.is_shared_);
  std::swap(file_, other.file_);
  return *this;
}

MappedPages::~MappedPages() {
  if (memory_ == nullptr)
    return;
  if (is_shared_)
    SharedOnes::all().remove(memory_);
  ::munmap(memory_, size_);
}

MappedPages MappedPages::of_this_process(std::size_t bytes) {
  std::byte* const memory = map(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  if (memory == nullptr)
    throw std::bad_alloc{};
  return {memory, bytes, false, Descriptor{}};
}

Result<MappedPages> MappedPages::shared(const char* name, std::size_t bytes) {
  Descriptor file{::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!file || ::ftruncate(file.number(), static_cast<off_t>(bytes)) != 0 ||
      ::fcntl(file.number(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0)
    return refused(Errc::resource_exhausted, "the system gives no memory file");
  std::byte* const memory = map(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.number());
  if (memory == nullptr)
    return refused(Errc::resource_exhausted, "a memory file cannot be mapped");
  return MappedPages{memory, bytes, true, std::move(file)};
}

Result<MappedPages> MappedPages::open(const Descriptor& file, Access access, std::size_t bytes_min,
                                      std::size_t bytes_max) {
  struct stat found {};
  const int seals = ::fcntl(file.number(), F_GET_SEALS);
  if (seals < 0 || (seals & (F_SEAL_SHRINK | F_SEAL_GROW)) != (F_SEAL_SHRINK | F_SEAL_GROW) ||
      ::fstat(file.number(), &found) != 0 || static_cast<std::size_t>(found.st_size) < bytes_min ||
      static_cast<std::size_t>(found.st_size) > bytes_max)
    return Error{Errc::bad_input, "shared memory", "a memory file is not what it should be: another size, or unsealed"};
  const auto bytes = static_cast<std::size_t>(found.st_size);
  const int wanted = access == Access::write ? PROT_READ | PROT_WRITE : PROT_READ;
  std::byte* const memory = map(bytes, wanted, MAP_SHARED, file.number());
  if (memory == nullptr)
    return refused(Errc::bad_input, "a memory file cannot be mapped");
  return MappedPages{memory, bytes, true, Descriptor{}};
}

Status MappedPages::seal_for_readers() const {
  if (::fcntl(file_.number(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0)
    return refused(Errc::resource_exhausted, "a memory file cannot be sealed");
  return {};
}

}  // namespace theus
