#pragma once

#include "actors/membership.hpp"
#include "runtime/round_spread.hpp"

#include <unordered_map>

namespace theus::actors {

/// A process that joined and offered to step agents.
struct HostProcess {
  HostLinePtr line;
  std::unordered_map<std::string, OfferedAgent> offered;  // by name
  RoundHost report;
};
using HostProcessPtr = std::shared_ptr<HostProcess>;

/// Who takes part in the rounds of a pattern, in order, and which process steps whom. Kept from round to round, for it
/// costs as much as a step.
struct Lineup {
  explicit Lineup(std::string pattern_of_names) : pattern(std::move(pattern_of_names)) {}

  const std::string pattern;
  std::vector<std::uint32_t> members;  // positions among the members
  std::vector<AgentActor> actors;
  std::vector<HostProcessPtr> hosts;
  std::vector<HostNumbers> numbers;  // of each host
  std::vector<Stretch> stretches;
};
using LineupPtr = std::shared_ptr<const Lineup>;

/// The processes that offered agents, as the owner of the state knows them. Belongs to the population.
class RoundHosts {
public:
  /// From now on it can step those of them that the engine has alike; how many these are.
  std::size_t offer(const HostLinePtr& line, std::vector<OfferedAgent> agents, std::span<const Member> members);
  void leave(const HostLinePtr& line);
  const std::vector<HostProcessPtr>& all() const noexcept { return hosts_; }

  /// Under which numbers the host knows the members at these positions.
  static HostNumbers numbers_of(const HostProcess& host, std::span<const std::uint32_t> positions,
                                std::span<const Member> members);
  /// Says who steps whom.
  void spread(Lineup& lineup, std::span<const Member> members) const;

  /// A round of so many agents was committed, all of which have been stepped here but for those told next.
  void count_round(std::size_t agents);
  void count_elsewhere(HostProcess& host, std::size_t agents);
  /// This process, then the others.
  std::vector<RoundHost> report(std::span<const Member> members) const;

private:
  std::vector<HostProcessPtr> hosts_;
  RoundHost here_;
};

}  // namespace theus::actors
