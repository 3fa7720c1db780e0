#pragma once

#include "actors/membership.hpp"

namespace theus::actors {

/// Gives the proposal of a round what a journal needs to run it again. The line-up: positions among the members.
void add_cause(Proposal& proposal, const RoundRequest& request, const Round::Start& start,
               std::span<const std::uint32_t> lineup, std::span<const Member> members, int attempt);

}  // namespace theus::actors
