#pragma once

namespace theus::testing {

/// Commits so many times, erasing and making keys too, while one snapshot from before is held; checks that the memory
/// kept for it stays within a bound that does not depend on the number, and is given back with it.
void check_memory_kept_for_one_snapshot(unsigned commits);

}  // namespace theus::testing
