#pragma once

#include <theus/value.hpp>

#include <array>
#include <cstdint>

namespace theus::testing {

/// What a test tells a consumer process; handles may follow.
struct Order {
  enum What : std::uint32_t { fork, attach, take, acquire, release, read_for_ever, attack, build };

  What what = fork;
  std::uint32_t stop_after = 0;  ///< the step after which it stands still, having replied its number; 0: none
  std::uint64_t count = 0;
  std::array<std::uint32_t, 16> segments{};
};

struct Reply {
  std::uint16_t error = 0;  ///< an Errc, or 0
  std::uint64_t number = 0;
};

}  // namespace theus::testing
