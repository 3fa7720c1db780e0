#pragma once

#include "actors/protocol.hpp"

#include <deque>
#include <unordered_map>
#include <vector>

namespace theus::actors {

/// One living agent, as the population knows it.
struct Member {
  AgentDirectory::Id id = 0;
  AgentDefinitionPtr definition;
  caf::strong_actor_ptr actor;  // nothing: it has left, and is to be forgotten when no round runs
  Value state;                  // of an agent that takes part in rounds; as of the last that was committed
  SeatPtr seat;                 // of an agent that acts on its own
  bool is_state_told = false;   // as in Seat, for an agent that takes part in rounds
};

/// The agents of one engine, living and given up, and what follows from their failures. Starting and ending their
/// actors is left to the population. Belongs to its actor.
class Membership {
public:
  using Id = AgentDirectory::Id;

  explicit Membership(AgentDirectoryPtr directory) : directory_(std::move(directory)) {}

  /// Those that were added, without actors yet. Refuses duplicate_name: then none is.
  Result<std::span<Member>> add(std::span<const AgentDefinitionPtr> definitions, Deadline now);
  /// The member, which has left. Refuses unknown_agent.
  Result<Member> remove(std::string_view name);
  /// Those that leave have no actor from now on; what their positions mean changes with forget_leavers() only.
  /// Whether there were some.
  bool forget_leavers();

  std::vector<Member>& all() noexcept { return members_; }
  Member* find(Id id) noexcept;

  void set_terms(const std::string& group, SupervisionTree::Terms terms) { tree_.set_terms(group, terms); }
  /// Whom the verdict on this failure stops: they have left. Nobody: the agent goes on.
  std::vector<Member> failed(const Member& member, const Error& error, Deadline now);

  /// All living agents in order of spawning, then those that were given up.
  std::vector<AgentStatus> report() const;

private:
  struct Failures {
    std::uint64_t count = 0;
    std::uint64_t restarts = 0;
    std::string last;
  };

  Member leave(Member& member);
  AgentStatus status(const Member& member) const;

  AgentDirectoryPtr directory_;
  std::vector<Member> members_;  // by id
  Id next_ = 0;
  bool has_leavers_ = false;
  SupervisionTree tree_;
  std::unordered_map<Id, Failures> failures_;  // of those that failed
  std::deque<AgentStatus> given_up_;           // the newest given_up_max
};

}  // namespace theus::actors
