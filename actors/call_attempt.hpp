#pragma once

#include "actors/call.hpp"
#include "actors/core.hpp"
#include "runtime/proposal.hpp"

namespace theus::actors {

// What an attempt of a call begins and ends with, whether an actor makes it or the thread that waits for it.

ExecutionStart start_of_attempt(const CorePtr& core, const CallPtr& call, int attempt, Snapshot snapshot);

/// What may be committed of a worker's answer.
Result<ExecutionResult> result_of_answer(const Process& process, const ExecutionStart& start,
                                         const Result<WorkerAnswer>& answer);

/// Whether there is anything to commit, or to remember.
bool wants_commit(const Proposal& proposal);

/// For the journal, if there is one. `time` is what the body was told.
std::shared_ptr<const Cause> cause_of_attempt(const Core& core, const Call& call, int attempt,
                                              std::chrono::system_clock::time_point time);

/// Whether the call is over; ends it when its time has come and nobody has noticed yet.
bool has_expired(const Core& core, Call& call);

}  // namespace theus::actors
