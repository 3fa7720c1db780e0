#pragma once

#include "runtime/execution.hpp"

namespace theus {

/// Runs one attempt of a process: its body, a second time where purity is verified, with its errors held to the
/// declaration.
Result<ExecutionResult> run_process(const Process& process, const ExecutionStart& start);

/// The error as the declaration lets it pass: those that are not declared as `process_failed`.
Error held_to_declared(const Process& process, Error error);

}  // namespace theus
