#include "runtime/round_spread.hpp"

namespace theus {

std::vector<Stretch> spread_round(std::size_t agents, std::span<const HostNumbers> hosts) {
  const std::size_t processes = hosts.size() + 1;
  const auto can_step = [&](std::size_t process, std::size_t agent) {
    return process == 0 || hosts[process - 1][agent] != not_hosted;
  };
  std::vector<std::size_t> load(processes, 0);
  std::vector<Stretch> stretches;
  for (std::size_t agent = 0; agent < agents; ++agent) {
    std::size_t chosen = agent * processes / agents;
    if (!can_step(chosen, agent) && agent > 0)
      chosen = stretches.back().process;
    if (!can_step(chosen, agent)) {
      chosen = 0;
      for (std::size_t process = 1; process < processes; ++process)
        if (can_step(process, agent) && load[process] < load[chosen])
          chosen = process;
    }
    ++load[chosen];
    if (stretches.empty() || stretches.back().process != chosen)
      stretches.push_back({.begin = agent, .count = 0, .process = chosen});
    ++stretches.back().count;
  }
  return stretches;
}

}  // namespace theus
