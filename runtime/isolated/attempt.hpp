#pragma once

// An attempt of an isolated process, on both sides: what leaves the engine, what the worker makes of it, and what the
// engine lets pass of the answer. A worker is trusted no more than a body: what it asks for goes through the contract
// and an overlay of the engine's snapshot, as if the body had asked for it here. The one thing that is believed is what
// it says it has read, as a body here could not be believed either that it forgets what it saw.

#include "runtime/isolated/call.hpp"
#include "runtime/process_run.hpp"

namespace theus {

/// The part of a snapshot that a contract shows, private members left out: one map.
Value declared_state(const ExecutionStart& start);

/// In the worker: runs the body on that state.
Result<ExecutionResult> run_isolated(const Process& process, std::shared_ptr<const Contract> contract,
                                     const IsolatedCall& call, std::uint64_t seed, std::shared_ptr<CallState> state,
                                     LogSink log);

/// In the engine: what may be committed of it. Refuses as the Context would have.
Result<ExecutionResult> held_to_contract(const Process& process, const ExecutionStart& start, ExecutionResult told);

}  // namespace theus
