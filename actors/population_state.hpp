#pragma once

// What the population keeps, and its work by concern: population.cpp (who belongs to it, failures),
// population_rounds.cpp (rounds, from their start to their commit), population_parts.cpp (which process steps whom in a
// round), population_losses.cpp (hosts that die or hang in a round), and, in a process that joined,
// population_shares.cpp (steps that it takes for the owner).

#include "actors/caf_ways.hpp"
#include "actors/membership.hpp"
#include "actors/round_hosts.hpp"

#include <deque>
#include <map>

namespace theus::actors {

/// Agents that follow each other in the line-up of a round, and are stepped together.
struct SharedPart {
  std::uint64_t number = 0;  // used once
  std::size_t begin = 0;     // in the line-up
  std::size_t count = 0;
  HostProcessPtr host{};  // nullptr: this process, or nobody yet
  RoundPtr round{};       // their slots; nullptr: the host has not answered
  int hosts_lost = 0;     // that died or hung with it
  int pid_lost = 0;       // of the last of them
  Deadline lost_at{};
  Deadline until{};              // the host may take for it, or it may wait for one
  std::optional<Error> fault{};  // nobody steps it
  bool is_done = false;
};

struct RunningRound {
  RoundRequestPtr request;
  LineupPtr lineup;
  std::optional<Round::Start> start;  // of the whole, by slot of the line-up
  std::vector<SharedPart> parts;      // in order of the line-up
  std::size_t parts_left = 0;
  std::vector<std::pair<InboxPtr, std::size_t>> mail;  // how many messages of whom this round reads
  std::optional<Postage> postage;
  int attempt = 1;
  std::uint64_t writes = 0;
  std::shared_ptr<bool> is_recorded;  // nothing: there is no journal
};

/// A share of the owner's round, stepped here.
struct HostedShare {
  std::shared_ptr<const RoundShare> share;
  RoundPtr round;
};

struct PopulationState {
  static inline constexpr const char* name = "population";

  ~PopulationState();

  PopulationTerms terms;
  ActingTermsPtr acting;
  std::optional<Membership> members;
  LineupPtr lineup;  // of the last round, as long as nobody comes, goes or dies
  RoundHosts hosts;
  std::deque<RoundRequestPtr> waiting;
  std::optional<RunningRound> running;
  std::uint64_t next_part = 1;
  Deadline look_at = Deadline::max();  // parts, for what takes too long

  std::map<std::uint64_t, HostedShare> hosted;  // by a number of ours
};
using PopulationSelf = Population::stateful_pointer<PopulationState>;

// population.cpp
void forget_leavers(PopulationState& state);

// population_rounds.cpp
void enqueue_round(PopulationSelf self, const RoundRequestPtr& request);
void take_stepped(PopulationSelf self, std::uint64_t part);
void take_commit_reply(PopulationSelf self, const Outcome& outcome);
/// The part needs nobody any more; the last one that is done ends in the commit.
void finish_part(PopulationSelf self, SharedPart& part);

// population_parts.cpp
void begin_parts(PopulationSelf self);
/// Whom the round waits for, for who is told that it took too long.
void tell_awaited(const RunningRound& running);
void fail_step(PopulationSelf self, std::uint32_t position, const Error& error);
void take_share_answer(PopulationSelf self, const ShareAnswered& message);
/// Gives all of a part that nobody steps to that host; false when it cannot step all of it.
bool give(PopulationSelf self, SharedPart& part, const HostProcessPtr& host);
/// Has this process step it. Parts may be gone when this returns.
void take_over(PopulationSelf self, SharedPart& part);
void note_round(const PopulationState& state, std::string text, Value fields);

// population_losses.cpp
void take_offer(PopulationSelf self, const OfferedAgents& message);
void take_host_left(PopulationSelf self, const HostLinePtr& line);
/// What waits for a host is given to those who have room for it.
void give_waiting(PopulationSelf self);
/// This process steps a part that its host gave back, unless two have died with it.
void take_back(PopulationSelf self, SharedPart& part);
/// Has look_at_parts() run then.
void watch_parts(PopulationSelf self, Deadline until);
void look_at_parts(PopulationSelf self);

// population_shares.cpp
std::vector<OfferedAgent> agents_to_offer(PopulationState& state);
void step_share(PopulationSelf self, const StepShare& message);
void answer_share(PopulationSelf self, std::uint64_t number);
void fail_hosted_step(PopulationSelf self, AgentDirectory::Id id, const Error& error);

}  // namespace theus::actors
