#pragma once

#include <cstdint>

namespace theus {

/// The number of a committed state; 0 is the empty state before the first commit. 64 bits do not wrap:
/// at 100 million commits a second they last 5,800 years. Order comes from versions, never from a clock.
using Version = std::uint64_t;

}  // namespace theus
