#include "runtime/process_run.hpp"

#include <algorithm>

namespace theus {
namespace {

/// Errors that say that the engine refused something; a process need not declare them.
bool is_engines_own(Errc code) noexcept {
  switch (code) {
    case Errc::contract_violation:
    case Errc::schema_violation:
    case Errc::version_mismatch:
    case Errc::deadline:
    case Errc::cancelled:
    case Errc::closed:
    case Errc::nested_call:
    case Errc::overloaded:
    case Errc::resource_exhausted:
    case Errc::process_failed:
    case Errc::internal: return true;
    default: return false;
  }
}

bool same(const Write& a, const Write& b) {
  return a.kind == b.kind && a.path == b.path && a.value == b.value && a.position == b.position &&
         a.removed == b.removed;
}

Error impure(const Process& process, const std::string& what) {
  return Error{Errc::contract_violation, "'" + process.name + "'",
               "pure_effect: run twice on the same inputs, it gave " + what,
               "Take time and random numbers from the Context, and keep nothing between runs"}
      .with("rule", "pure_effect")
      .with("process", process.name);
}

/// Refuses when two runs on the same inputs differ.
Status check_same(const Process& process, const Result<ExecutionResult>& first, const Result<ExecutionResult>& second) {
  if (first.ok() != second.ok())
    return impure(process, "a result once and an error once: " + (first ? second.error() : first.error()).text());
  if (!first)
    return first.error().code() == second.error().code() ? Status{} : impure(process, "two different errors");
  if (first->value != second->value)
    return impure(process, "two different values");
  if (!std::ranges::equal(first->proposal.writes, second->proposal.writes, same))
    return impure(process, "different writes");
  return {};
}

}  // namespace

Error held_to_declared(const Process& process, Error error) {
  if (process.errors.empty() || is_engines_own(error.code()) ||
      std::ranges::find(process.errors, error.code()) != process.errors.end())
    return error;
  return Error{Errc::process_failed, "'" + process.name + "'", "it ended with the undeclared error " + error.text(),
               "Declare it in its errors, or handle it in the body"}
      .with("process", process.name)
      .with("text", error.text())
      .with("undeclared", to_string(error.code()));
}

Result<ExecutionResult> run_process(const Process& process, const ExecutionStart& start) {
  const auto run = [&] { return run_body(process.body, std::make_shared<Execution>(start)); };
  auto result = run();
  if (process.verify_pure)
    if (auto pure = check_same(process, result, run()); !pure)
      return pure.error();
  return result ? std::move(result) : Result<ExecutionResult>{held_to_declared(process, result.error())};
}

}  // namespace theus
