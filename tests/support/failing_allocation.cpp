#include "tests/support/failing_allocation.hpp"

#include <cstdlib>
#include <new>

// Replaces the operators of the whole program, of its shared libraries too; only the aligned ones stay as they are.
// All forms are spelled out, because AddressSanitizer brings its own of those that are missing.

namespace theus::testing {
namespace {

enum class Plan { none, armed, failed };

thread_local Plan plan = Plan::none;
thread_local std::size_t left = 0;
thread_local std::size_t live = 0;

void* allocate(std::size_t bytes) {
  if (plan == Plan::armed && --left == 0) {
    plan = Plan::failed;
    throw std::bad_alloc{};
  }
  if (void* memory = std::malloc(bytes > 0 ? bytes : 1)) {
    ++live;
    return memory;
  }
  throw std::bad_alloc{};
}

void free(void* memory) noexcept {
  live -= memory != nullptr ? 1 : 0;
  std::free(memory);
}

}  // namespace

FailingAllocation::FailingAllocation(std::size_t countdown) noexcept {
  left = countdown;
  plan = Plan::armed;
}

FailingAllocation::~FailingAllocation() { plan = Plan::none; }

bool FailingAllocation::has_failed() const noexcept { return plan == Plan::failed; }

std::size_t live_blocks() noexcept { return live; }

}  // namespace theus::testing

void* operator new(std::size_t bytes) { return theus::testing::allocate(bytes); }
void* operator new[](std::size_t bytes) { return theus::testing::allocate(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept try {
  return theus::testing::allocate(bytes);
} catch (const std::bad_alloc&) {
  return nullptr;
}
void* operator new[](std::size_t bytes, const std::nothrow_t& nothrow) noexcept { return operator new(bytes, nothrow); }

void operator delete(void* memory) noexcept { theus::testing::free(memory); }
void operator delete[](void* memory) noexcept { theus::testing::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { theus::testing::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { theus::testing::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { theus::testing::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { theus::testing::free(memory); }
