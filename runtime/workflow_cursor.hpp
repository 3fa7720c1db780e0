#pragma once

#include "runtime/workflow_plan.hpp"

#include <theus/state_reader.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace theus {

/// Which step an action belongs to: its label and where it stands.
struct StepPlace {
  std::string label;
  std::string file;
  TextPosition at;
};

struct RunProcess {
  StepPlace step;
  std::string process;
  Value arguments;  // a map
  std::uint32_t attempts;
  std::chrono::milliseconds backoff;  // before the second attempt
  std::optional<std::chrono::milliseconds> timeout;
};

/// Publish a signal.
struct Emit {
  StepPlace step;
  std::string signal;
  Value payload;
};

/// Write all values in one commit.
struct SetValues {
  StepPlace step;
  std::vector<std::pair<Path, Value>> values;
};

/// Let all agents whose names match act once on one snapshot.
struct Round {
  StepPlace step;
  std::string agents;
};

struct Finished {};

using WorkflowAction = std::variant<RunProcess, Emit, SetValues, Round, Finished>;

struct WorkflowProgress {
  std::uint64_t done = 0;              // steps completed, branches and loops among them
  std::optional<std::uint64_t> total;  // unknown in a workflow with loops; shrinks when a branch is passed over
  std::string step;                    // label of the current one; empty before the first and after the last
};

/// Walks through a workflow: tells what to do next and leaves the doing to its driver, which calls next() again when
/// the action has succeeded, or drops the cursor. Pure: reads the state it is given and its own locals, nothing else.
/// Uses no recursion, whatever the nesting.
class WorkflowCursor {
public:
  explicit WorkflowCursor(Workflow workflow);

  /// The next action. Refuses with the error of an expression (fields step, file, line, expression, path), or with
  /// safety_trip (step, file, line, limit, count) beyond the limit of operations. After a refusal it repeats it.
  Result<WorkflowAction> next(const StateReader& state);

  WorkflowProgress progress() const;
  /// Steps visited plus loop turns so far.
  std::uint64_t operations() const noexcept { return operations_; }
  /// What `flux: set` wrote below `local`, as a map.
  const Value& locals() const noexcept { return locals_; }

private:
  // A block that is being run; `owner` is the step that entered it.
  struct Frame {
    BlockId block;
    std::uint32_t next = 0;
    std::optional<StepId> owner{};
  };

  Result<std::optional<WorkflowAction>> advance(const StateReader& state);
  Result<std::optional<WorkflowAction>> visit(StepId id, const StateReader& state);
  Status end_block(const StateReader& state);
  Status enter_branch(StepId id, const IfStep& branch, const StateReader& state);
  Status enter_loop(StepId id, const WhileStep& loop, const StateReader& state);
  Result<std::optional<WorkflowAction>> set(StepId id, const SetStep& work, const StateReader& state);
  WorkflowAction round(StepId id, const RoundStep& work);

  Status count(StepId id);
  Error safety_trip(StepId id) const;
  Error at_step(StepId id, const Error& error) const;
  StepPlace place(StepId id) const;
  const PlannedStep& step(StepId id) const noexcept { return plan().steps[id]; }
  const WorkflowPlan& plan() const noexcept { return workflow_.plan(); }

  Workflow workflow_;
  std::vector<Frame> frames_;
  Value locals_ = Value::map();
  std::uint64_t operations_ = 0;
  std::uint64_t visited_ = 0;
  std::optional<std::uint64_t> total_;
  std::optional<StepId> current_;  // the step whose action is being done
  std::uint32_t rounds_left_ = 0;  // of the current step
  std::optional<Error> failure_;
};

}  // namespace theus
