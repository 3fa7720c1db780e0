#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace theus {

/// Agents of a round that follow each other in its order, and are stepped by one process.
struct Stretch {
  std::size_t begin = 0;
  std::size_t count = 0;
  std::size_t process = 0;  ///< 0: the one that runs the round; else a host, counted from 1

  friend bool operator==(const Stretch&, const Stretch&) = default;
};

/// The numbers under which a host knows the agents of a round, in its order.
using HostNumbers = std::vector<std::uint64_t>;
inline constexpr std::uint64_t not_hosted = ~std::uint64_t{0};

/// Who steps whom: each process an equal stretch, where it can; an agent that its process cannot step stays with that
/// of the agent before it, or else goes to the one that can and has the fewest so far. It decides where the work is
/// done, never what comes of it. REQUIRES: numbers for every agent from every host.
std::vector<Stretch> spread_round(std::size_t agents, std::span<const HostNumbers> hosts);

}  // namespace theus
