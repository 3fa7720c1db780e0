#pragma once

#include <cstddef>

namespace theus::testing {

/// While it lives, one allocation by operator new on this thread fails with bad_alloc: the `countdown`-th from its
/// construction on (1: the next). Not to be nested.
class FailingAllocation {
public:
  explicit FailingAllocation(std::size_t countdown) noexcept;
  ~FailingAllocation();
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;

  /// Whether it came to pass; otherwise fewer allocations were made.
  bool has_failed() const noexcept;
};

/// Blocks that this thread has got from operator new and not given back.
std::size_t live_blocks() noexcept;

}  // namespace theus::testing
