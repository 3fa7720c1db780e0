#include "actors/round_record.hpp"

#include "runtime/agent_cause.hpp"

namespace theus::actors {

void add_cause(Proposal& proposal, const RoundRequest& request, const Round::Start& start,
               std::span<const std::uint32_t> lineup, std::span<const Member> members, int attempt) {
  RoundCause cause{.agents = lineup.size(), .mail = {}, .states = {}};
  std::uint64_t names = 0;
  for (std::size_t slot = 0; slot < lineup.size(); ++slot) {
    const Member& member = members[lineup[slot]];
    names = with_name(names, member.definition->name());
    if (!member.is_state_told)
      cause.states.emplace(slot, member.state);
    if (const auto found = start.messages.find(slot); found != start.messages.end())
      cause.mail.emplace(slot, found->second);
  }
  proposal.is_recorded = std::make_shared<bool>(false);
  proposal.cause = std::make_shared<const Cause>(Cause{.kind = Cause::Kind::round,
                                                       .name = request.pattern(),
                                                       .number = start.first_execution,
                                                       .attempt = static_cast<std::uint64_t>(attempt),
                                                       .time = start.time,
                                                       .contract = names,
                                                       .arguments = to_value(cause)});
}

}  // namespace theus::actors
