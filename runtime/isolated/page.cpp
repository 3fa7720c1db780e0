#include "runtime/isolated/page.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <new>
#include <system_error>

namespace theus {
namespace {

Error refused(Errc code, const char* what) {
  return {code, "a worker's page", std::string{what} + ": " + std::generic_category().message(errno),
          "Free memory and descriptors, or start fewer workers"};
}

std::shared_ptr<WorkerPage> mapped(const Descriptor& file) {
  void* const address = ::mmap(nullptr, sizeof(WorkerPage), PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), 0);
  if (address == MAP_FAILED)
    return nullptr;
  return {static_cast<WorkerPage*>(address), [](WorkerPage* page) { ::munmap(page, sizeof *page); }};
}

}  // namespace

Result<MadePage> make_worker_page() {
  Descriptor file{::memfd_create("theus-worker", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!file || ::ftruncate(file.number(), sizeof(WorkerPage)) != 0 ||
      ::fcntl(file.number(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return refused(Errc::resource_exhausted, "the system gives no memory file");
  auto page = mapped(file);
  if (page == nullptr)
    return refused(Errc::resource_exhausted, "it cannot be mapped");
  new (page.get()) WorkerPage;
  return MadePage{std::move(file), std::move(page)};
}

Result<std::shared_ptr<WorkerPage>> map_worker_page(const Descriptor& file) {
  struct stat found {};
  if (::fstat(file.number(), &found) != 0 || found.st_size != sizeof(WorkerPage))
    return refused(Errc::bad_input, "it is not of the right size");
  auto page = mapped(file);
  if (page == nullptr)
    return refused(Errc::bad_input, "it cannot be mapped");
  return page;
}

}  // namespace theus
