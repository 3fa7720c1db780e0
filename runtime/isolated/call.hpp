#pragma once

// One attempt of an isolated body, as messages: what the worker starts from, and what it answers. Each is a list Value:
//
//   terms  = [seed, heavy bytes, admin, meta entries, [[namespace, policy], ...], [[path, access], ...]]
//   call   = [name, contract, execution, attempt, time, version, arguments, state]
//   done   = [value, [read path, ...], [[kind, path, value, position, removed], ...], [[signal, payload], ...]]
//   failed = unfit = [code, where, cause, remedy, fields]
//   log    = [level, text, fields]
//
// The state is the declared part of the snapshot; whatever else there is, the worker never sees. Times are nanoseconds
// since 1970, UTC.

#include "runtime/execution.hpp"

#include <theus/access.hpp>

namespace theus {

struct WorkerTerms {
  std::uint64_t seed = 0;
  std::uint64_t heavy_bytes_max = 0;  ///< of the buffers that one call builds
  AccessOptions access{};
};

Value to_value(const WorkerTerms& terms);
Result<WorkerTerms> worker_terms_of(const Value& value);

struct IsolatedCall {
  std::string name;
  std::uint64_t contract = 0;
  std::uint64_t execution = 0;
  int attempt = 1;
  std::chrono::system_clock::time_point time{};
  Version version = 0;
  Value arguments{};
  Value state = Value::map();
};

/// What the worker is told of an attempt.
IsolatedCall isolated_call(const ExecutionStart& start);
Value to_value(const IsolatedCall& call);
Result<IsolatedCall> isolated_call_of(const Value& value);

/// What a body wanted, or why it failed, as the worker tells it.
Value done_value(const ExecutionResult& result);
Value failed_value(const Error& error);
/// Errors: bad_input for what is no answer.
Result<ExecutionResult> result_of_done(const Value& done);
/// The error told; bad_input when it is none.
Error error_of_failed(const Value& failed);

struct WorkerLog {
  LogLevel level = LogLevel::info;
  std::string text;
  Value fields{};
};

Value to_value(const WorkerLog& entry);
Result<WorkerLog> worker_log_of(const Value& value);

}  // namespace theus
