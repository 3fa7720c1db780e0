#include "actors/waiting_caller.hpp"

#include "actors/call_attempt.hpp"

namespace theus::actors {

std::optional<int> WaitingCaller::run(const CorePtr& core, const CallPtr& call) {
  auto snapshot = core->turn.try_snapshot();
  if (!snapshot)
    return 0;  // which is told as a failure of the process
  const ExecutionStart start = start_of_attempt(core, call, 1, *std::move(snapshot));
  core->workers.run(call, start,
                    [self = shared_from_this()](Result<WorkerAnswer> answer) { self->take(std::move(answer)); });
  const auto answer = wait_until(call->deadline());
  const bool is_late = has_expired(*core, *call);
  if (!answer || is_late)
    return std::nullopt;

  const Process& process = call->process().definition;
  auto result = result_of_answer(process, start, *answer);
  if (!result) {
    call->finish(result.error());
    return std::nullopt;
  }
  Proposal& proposal = result->proposal;
  if (!wants_commit(proposal)) {
    call->finish(Executed{std::move(result->value), start.snapshot.version(), 1});
    return std::nullopt;
  }
  if (!call->begin_commit())
    return std::nullopt;
  proposal.cause = cause_of_attempt(*core, *call, 1, start.time);
  const Outcome outcome = core->turn.commit(proposal.view());
  if (!outcome && outcome.error().code() == Errc::version_mismatch && process.attempts_max > 1) {
    call->retry();
    return 1;
  }
  call->finish(outcome ? Result<Executed>{Executed{std::move(result->value), *outcome, 1}}
                       : Result<Executed>{outcome.error()});
  return std::nullopt;
}

void WaitingCaller::call_is_over() {
  const std::lock_guard lock{mutex_};
  is_over_ = true;
  changed_.notify_one();
}

void WaitingCaller::take(Result<WorkerAnswer> answer) {
  const std::lock_guard lock{mutex_};
  answer_.emplace(std::move(answer));
  changed_.notify_one();
}

std::optional<Result<WorkerAnswer>> WaitingCaller::wait_until(Deadline deadline) {
  std::unique_lock lock{mutex_};
  changed_.wait_until(lock, deadline, [this] { return answer_ || is_over_; });
  return std::move(answer_);
}

}  // namespace theus::actors
