#pragma once

// What the causes of agents say in their arguments, so that a replay can run them again:
//
//   agent   = {"trigger": trigger, "state": private state}
//   round   = {"agents": count, "mail": {slot: [[sender, content], ...]}, "states": [state, ...] or {slot: state}}
//   trigger = {"kind": number, ...}, the members of Trigger by their names where they are not empty
//
// Slots count the agents of the round from 0, in order of their spawning. A private state stands there only where it
// does not follow from the records before: in the first record of an agent after its spawning, and after a run that
// left no record because it changed nothing but that state. `states` is a list when it has one for every slot.

#include "runtime/contract.hpp"

#include <theus/trigger.hpp>

#include <map>
#include <optional>

namespace theus {

struct AgentCause {
  Trigger trigger;
  std::optional<Value> state;
};

struct RoundCause {
  std::size_t agents = 0;
  std::map<std::size_t, std::vector<AgentMessage>> mail;
  std::map<std::size_t, Value> states;
};

Value to_value(const AgentCause& cause);
Value to_value(const RoundCause& cause);

/// Errors: bad_argument.
Result<AgentCause> agent_cause_of(const Value& arguments);
Result<RoundCause> round_cause_of(const Value& arguments);

/// Over what the contract grants; the same in every build.
std::uint64_t contract_hash(const Contract& contract);
/// Over names in order, beginning with 0.
std::uint64_t with_name(std::uint64_t hash, std::string_view name) noexcept;

}  // namespace theus
