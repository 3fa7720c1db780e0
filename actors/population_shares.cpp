#include "actors/population_state.hpp"
#include "runtime/agent_cause.hpp"
#include "runtime/hosted_step.hpp"

#include <caf/scheduler/abstract_coordinator.hpp>

#include <algorithm>

namespace theus::actors {
namespace {

constexpr std::size_t tokens_per_thread = 4;

/// To whom agents may write, the owner knows.
class Anybody final : public Addressees {
public:
  Status check(std::string_view) const override { return {}; }
};
const Anybody anybody;

Error is_not_here(std::uint64_t agent) {
  return {Errc::unknown_agent, "a share of a round", "agent " + std::to_string(agent) + " of the offer is not here"};
}

Error cannot_travel(std::uint64_t agent) {
  return {Errc::bad_argument, "a share of a round",
          "what agent " + std::to_string(agent) + " of the offer leaves cannot be told to another process"};
}

/// What came of the step in a slot whose agent had the state `before`.
Result<AgentStep> step_in(Round::Slot& slot, const Value& before) {
  if (slot.extra != nullptr && slot.extra->error)
    return *slot.extra->error;
  AgentStep step;
  const auto writes = slot.writes();
  step.writes.assign(std::make_move_iterator(writes.begin()), std::make_move_iterator(writes.end()));
  if (slot.extra != nullptr) {
    step.signals = std::move(slot.extra->signals);
    step.messages = std::move(slot.extra->messages);
  }
  if (slot.state != before)
    step.state = std::move(slot.state);
  return step;
}

}  // namespace

std::vector<OfferedAgent> agents_to_offer(PopulationState& state) {
  std::vector<OfferedAgent> agents;
  for (const Member& member : state.members->all())
    if (member.actor != nullptr && member.seat == nullptr && may_step_elsewhere(member.definition->contract))
      agents.push_back({member.id, member.definition->name(), contract_hash(member.definition->contract)});
  return agents;
}

void step_share(PopulationSelf self, const StepShare& message) {
  PopulationState& state = self->state;
  const RoundShare& share = *message.share;
  auto actors = std::make_shared<std::vector<AgentActor>>();
  Round::Start start{.snapshot = message.snapshot,
                     .time = share.time,
                     .seed = share.seed,
                     .first_execution = share.first_execution,
                     .messages = {},
                     .addressees = &anybody};
  for (const ShareAgent& agent : share.agents) {
    const Member* member = state.members->find(agent.number);
    if (member == nullptr || member->seat != nullptr) {
      std::vector<std::byte> returned;
      append_returned(returned, share.number, is_not_here(agent.number));
      return state.terms.answer_share(share, std::move(returned));
    }
    if (!agent.messages.empty())
      start.messages.emplace(actors->size(), agent.messages);
    actors->push_back(caf::actor_cast<AgentActor>(member->actor));
  }
  if (actors->empty()) {
    std::vector<std::byte> nothing;
    append_stepped(nothing, share.number);
    return state.terms.answer_share(share, std::move(nothing));
  }
  // Not that of the share, which another run of the owner may use again.
  const std::uint64_t number = state.next_part++;
  const auto round = std::make_shared<Round>(
      std::move(start), actors->size(),
      [actors](RoundPtr running, Round::Token& token, std::size_t index) {
        tell((*actors)[index], RoundStep{std::move(running), &token, index});
      },
      [population = Population{self}, number] { tell(population, ShareStepped{number}); });
  for (std::size_t i = 0; i < share.agents.size(); ++i)
    round->slots[i].state = share.agents[i].state;
  state.hosted.emplace(number, HostedShare{message.share, round});
  const std::size_t threads = self->system().scheduler().num_workers();
  for (std::size_t token = 0; token < threads * tokens_per_thread; ++token)
    Round::pass_on_another(round);
}

void answer_share(PopulationSelf self, std::uint64_t number) {
  PopulationState& state = self->state;
  const auto found = state.hosted.extract(number);
  if (found.empty())
    return;
  const HostedShare& hosted = found.mapped();
  std::vector<std::byte> answer;
  append_stepped(answer, hosted.share->number);
  for (std::size_t i = 0; i < hosted.round->slots.size(); ++i) {
    const Result<AgentStep> step = step_in(hosted.round->slots[i], hosted.share->agents[i].state);
    if (!may_travel(step)) {
      answer.clear();
      append_returned(answer, hosted.share->number, cannot_travel(hosted.share->agents[i].number));
      break;
    }
    append_step(answer, step);
  }
  state.terms.answer_share(*hosted.share, std::move(answer));
}

void fail_hosted_step(PopulationSelf self, AgentDirectory::Id id, const Error& error) {
  for (auto& [number, hosted] : self->state.hosted) {
    const auto& agents = hosted.share->agents;
    const auto found = std::ranges::find(agents, id, &ShareAgent::number);
    if (found == agents.end())
      continue;
    hosted.round->fail(static_cast<std::size_t>(found - agents.begin()), error);
    // It may have died with a token.
    Round::pass_on_another(hosted.round);
  }
}

}  // namespace theus::actors
