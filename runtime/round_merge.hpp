#pragma once

#include "runtime/proposal.hpp"

#include <span>
#include <string>

namespace theus {

/// One agent's contribution to a round.
struct RoundPart {
  const std::string* agent;
  Proposal* proposal;
};

/// All proposals of a round as one, in the given order: it is committed whole or not at all. The reads are dropped,
/// because by definition every agent reads the round's snapshot. Empties the parts.
/// Refuses (contract_violation, rule "round_overlap") two agents that write the same path, or one below the other,
/// unless both writes are commutative.
Result<Proposal> merge_round(Version base, std::span<const RoundPart> parts);

}  // namespace theus
