#pragma once

#include "runtime/proposal.hpp"

#include <functional>
#include <span>
#include <string>

namespace theus {

/// What one agent wants of a round.
struct RoundPart {
  std::span<Write> writes;
  std::vector<Signal>* signals = nullptr;  ///< nullptr: none
  const Standing* standing = nullptr;      ///< nullptr: that of an ordinary caller
};

/// All parts of a round as one proposal, in the given order: it is committed whole or not at all. There are no reads
/// in it, because by definition every agent reads the round's snapshot. Takes what is in the parts.
/// Refuses (contract_violation, rule "round_overlap") two agents that write the same path, or one below the other,
/// unless both writes are commutative; `name_of` tells who is meant by a position.
Result<Proposal> merge_round(Version base, std::span<const RoundPart> parts,
                             const std::function<std::string(std::size_t)>& name_of);

}  // namespace theus
