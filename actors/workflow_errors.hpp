#pragma once

#include "actors/workflow_run.hpp"
#include "runtime/workflow_cursor.hpp"

namespace theus::actors {

// What a workflow that stopped says about where and why.

inline const StepPlace& place_of(const WorkflowAction& action) {
  static const StepPlace end_of_run;
  return std::visit(
      [](const auto& each) -> const StepPlace& {
        if constexpr (requires { each.step; })
          return each.step;
        else
          return end_of_run;
      },
      action);
}

/// Tells the step and its line besides what went wrong.
inline Error failed_at(const StepPlace& step, const Error& why, std::uint64_t steps_run) {
  Error error{why.code(),
              step.file + ":" + std::to_string(step.at.line) + ", step '" + step.label + "', " + why.where(),
              why.cause(), why.remedy()};
  for (const Value fields = why.fields(); const auto [name, value] : fields.members())
    error.set(name, value);
  error.set("step", step.label).set("line", step.at.line).set("steps_run", steps_run);
  return error;
}

inline Error cancelled(const WorkflowRun& run) {
  return Error{Errc::cancelled, "workflow '" + run.workflow.name() + "'", "it was cancelled",
               "Steps that were committed stay committed"};
}

inline Error too_late(const WorkflowRun& run) {
  return Error{Errc::deadline, "workflow '" + run.workflow.name() + "'", "it did not end within its time",
               "Raise limits.deadline in the file, or the timeout of the run"};
}

}  // namespace theus::actors
