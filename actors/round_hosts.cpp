#include "actors/round_hosts.hpp"

#include "runtime/agent_cause.hpp"
#include "runtime/hosted_step.hpp"

#include <unistd.h>

#include <algorithm>

namespace theus::actors {
namespace {

bool steps_in_rounds(const Member& member) { return member.actor != nullptr && member.seat == nullptr; }

/// The number under which the host knows the agent.
std::uint64_t number_of(const HostProcess& host, const AgentDefinition& definition) {
  const auto found = host.offered.find(definition.name());
  const bool is_alike = found != host.offered.end() && may_step_elsewhere(definition.contract) &&
                        found->second.contract == contract_hash(definition.contract);
  return is_alike ? found->second.number : not_hosted;
}

}  // namespace

std::size_t RoundHosts::offer(const HostLinePtr& line, std::vector<OfferedAgent> agents,
                              std::span<const Member> members) {
  auto found = std::ranges::find(hosts_, line, [](const HostProcessPtr& host) { return host->line; });
  if (found == hosts_.end()) {
    hosts_.push_back(std::make_shared<HostProcess>(HostProcess{.line = line, .offered = {}, .report = {}}));
    hosts_.back()->report.pid = line->pid();
    found = std::prev(hosts_.end());
  }
  HostProcess& host = **found;
  host.offered.clear();
  for (OfferedAgent& agent : agents) {
    std::string name = agent.name;
    host.offered.emplace(std::move(name), std::move(agent));
  }
  host.report.agents = static_cast<std::uint64_t>(std::ranges::count_if(members, [&](const Member& member) {
    return steps_in_rounds(member) && number_of(host, *member.definition) != not_hosted;
  }));
  return host.report.agents;
}

void RoundHosts::leave(const HostLinePtr& line) {
  std::erase_if(hosts_, [&](const HostProcessPtr& host) { return host->line == line; });
}

HostNumbers RoundHosts::numbers_of(const HostProcess& host, std::span<const std::uint32_t> positions,
                                   std::span<const Member> members) {
  HostNumbers numbers;
  numbers.reserve(positions.size());
  for (const std::uint32_t position : positions)
    numbers.push_back(number_of(host, *members[position].definition));
  return numbers;
}

void RoundHosts::spread(Lineup& lineup, std::span<const Member> members) const {
  lineup.hosts = hosts_;
  for (const HostProcessPtr& host : hosts_)
    lineup.numbers.push_back(numbers_of(*host, lineup.members, members));
  lineup.stretches = spread_round(lineup.members.size(), lineup.numbers);
}

void RoundHosts::count_round(std::size_t agents) {
  here_.last_round = agents;
  here_.steps += agents;
  for (const HostProcessPtr& host : hosts_)
    host->report.last_round = 0;
}

void RoundHosts::count_elsewhere(HostProcess& host, std::size_t agents) {
  here_.last_round -= agents;
  here_.steps -= agents;
  host.report.last_round += agents;
  host.report.steps += agents;
}

std::vector<RoundHost> RoundHosts::report(std::span<const Member> members) const {
  std::vector<RoundHost> all{here_};
  all.front().pid = ::getpid();
  all.front().agents = static_cast<std::uint64_t>(std::ranges::count_if(members, steps_in_rounds));
  for (const HostProcessPtr& host : hosts_)
    all.push_back(host->report);
  return all;
}

}  // namespace theus::actors
