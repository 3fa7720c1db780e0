#pragma once

// What a workflow is compiled to. Steps stand in one table and blocks (lists of steps) in another, so that the position
// of a run is a stack of numbers, whatever the nesting of files and branches.

#include "runtime/value_template.hpp"

#include <theus/workflow.hpp>

#include <limits>
#include <utility>
#include <variant>

namespace theus {

using StepId = std::uint32_t;
using BlockId = std::uint32_t;

struct ProcessStep {
  std::string process;
  ValueTemplate arguments{Value::map()};
  std::vector<std::pair<std::string, TextPosition>> argument_names{};
  std::uint32_t attempts = 1;
  std::chrono::milliseconds backoff{0};
  std::optional<std::chrono::milliseconds> timeout{};
};

struct IfStep {
  Expression condition;
  BlockId then_block;
  BlockId else_block;
};

struct WhileStep {
  Expression condition;
  BlockId body;
};

struct RunStep {
  BlockId body;
};

struct CallStep {
  std::string file;  // as the plan knows it
  BlockId body = 0;
};

struct SetStep {
  std::vector<std::pair<Path, ValueTemplate>> values;
};

struct EmitStep {
  std::string signal;
  ValueTemplate payload;
};

struct RoundStep {
  std::string agents;
  std::uint32_t times = 1;
};

using StepWork = std::variant<ProcessStep, IfStep, WhileStep, RunStep, CallStep, SetStep, EmitStep, RoundStep>;

struct PlannedStep {
  std::string label;
  std::uint32_t file;  // index into WorkflowPlan::files
  TextPosition at;
  StepWork work;
};

/// What can be told about a block without running it.
struct BlockFacts {
  bool endless = false;     // no run leaves it
  bool loops = false;       // it holds a `while`, so how many steps it takes depends on the state
  std::uint64_t steps = 0;  // visited when every branch is taken; saturates
  std::uint32_t depth = 0;  // of blocks inside one another, itself included
};

struct WorkflowPlan {
  std::string name;
  WorkflowLimits limits;
  std::vector<WorkflowInput> inputs;
  std::vector<std::string> files;  // the first one is that of the workflow itself
  std::vector<PlannedStep> steps;
  std::vector<std::vector<StepId>> blocks;
  std::vector<BlockFacts> facts;  // of each block
  BlockId main = 0;
};

/// Whether the path belongs to the run alone and not to the state.
bool is_local(const Path& path) noexcept;

/// The blocks that a step may enter.
std::vector<BlockId> entered_blocks(const StepWork& work);

/// Every expression of a step, in the order it would be evaluated.
void for_each_expression(const StepWork& work, const std::function<void(const Expression&)>& visit);

}  // namespace theus
