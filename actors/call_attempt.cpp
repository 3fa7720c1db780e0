#include "actors/call_attempt.hpp"

#include "runtime/agent_cause.hpp"
#include "runtime/isolated/attempt.hpp"
#include "runtime/isolated/packets.hpp"

namespace theus::actors {

ExecutionStart start_of_attempt(const CorePtr& core, const CallPtr& call, int attempt, Snapshot snapshot) {
  const RegisteredProcess& process = call->process();
  ExecutionStart start{.contract = process.contract, .snapshot = std::move(snapshot), .arguments = call->arguments()};
  start.id = call->id();
  start.attempt = attempt;
  start.call = std::shared_ptr<CallState>{call, &call->state()};
  start.log = core->log;
  start.time = core->clock->wall();
  start.trail = std::shared_ptr<AuditTrail>{core, &core->trail};
  start.random = random_stream(core->seed, process.definition.name, call->id());
  return start;
}

Result<ExecutionResult> result_of_answer(const Process& process, const ExecutionStart& start,
                                         const Result<WorkerAnswer>& answer) {
  if (!answer)
    return answer.error();
  const auto body = decode_body(answer->body);
  if (!body)
    return body.error();
  if (!answer->is_done)
    return held_to_declared(process, error_of_failed(*body));
  auto told = result_of_done(*body);
  if (told)
    swap_handles(*told, answer->built);
  return told ? held_to_contract(process, start, *std::move(told)) : std::move(told);
}

bool wants_commit(const Proposal& proposal) {
  return !proposal.writes.empty() || !proposal.signals.empty() || proposal.request;
}

std::shared_ptr<const Cause> cause_of_attempt(const Core& core, const Call& call, int attempt,
                                              std::chrono::system_clock::time_point time) {
  if (!core.records_causes())
    return nullptr;
  const RegisteredProcess& process = call.process();
  return std::make_shared<const Cause>(Cause{.kind = Cause::Kind::process,
                                             .name = process.definition.name,
                                             .number = call.id(),
                                             .attempt = static_cast<std::uint64_t>(attempt),
                                             .time = time,
                                             .contract = contract_hash(*process.contract),
                                             .arguments = call.arguments()});
}

bool has_expired(const Core& core, Call& call) {
  if (const auto now = core.clock->now(); now >= call.deadline())
    call.expire(now);
  return call.is_over();
}

}  // namespace theus::actors
