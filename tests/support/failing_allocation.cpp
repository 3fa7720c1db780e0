#include "tests/support/failing_allocation.hpp"

#include <cstdlib>
#include <new>

// Replaces the operators of the whole program, of its shared libraries too. The other forms of operator new call
// these by default, except the aligned ones, which stay as they are.

namespace theus::testing {
namespace {

enum class Plan { none, armed, failed };

thread_local Plan plan = Plan::none;
thread_local std::size_t left = 0;

void* allocate(std::size_t bytes) {
  if (plan == Plan::armed && --left == 0) {
    plan = Plan::failed;
    throw std::bad_alloc{};
  }
  if (void* memory = std::malloc(bytes > 0 ? bytes : 1))
    return memory;
  throw std::bad_alloc{};
}

}  // namespace

FailingAllocation::FailingAllocation(std::size_t countdown) noexcept {
  left = countdown;
  plan = Plan::armed;
}

FailingAllocation::~FailingAllocation() { plan = Plan::none; }

bool FailingAllocation::has_failed() const noexcept { return plan == Plan::failed; }

}  // namespace theus::testing

void* operator new(std::size_t bytes) { return theus::testing::allocate(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
