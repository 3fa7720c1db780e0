#include "runtime/workflow_plan.hpp"

namespace theus {

bool is_local(const Path& path) noexcept { return path.segments().front().key == "local"; }

std::vector<BlockId> entered_blocks(const StepWork& work) {
  if (const auto* branch = std::get_if<IfStep>(&work))
    return {branch->then_block, branch->else_block};
  if (const auto* loop = std::get_if<WhileStep>(&work))
    return {loop->body};
  if (const auto* run = std::get_if<RunStep>(&work))
    return {run->body};
  if (const auto* call = std::get_if<CallStep>(&work))
    return {call->body};
  return {};
}

void for_each_expression(const StepWork& work, const std::function<void(const Expression&)>& visit) {
  if (const auto* branch = std::get_if<IfStep>(&work))
    visit(branch->condition);
  else if (const auto* loop = std::get_if<WhileStep>(&work))
    visit(loop->condition);
  else if (const auto* process = std::get_if<ProcessStep>(&work))
    process->arguments.for_each_expression(visit);
  else if (const auto* emit = std::get_if<EmitStep>(&work))
    emit->payload.for_each_expression(visit);
  else if (const auto* set = std::get_if<SetStep>(&work))
    for (const auto& [path, value] : set->values)
      value.for_each_expression(visit);
}

}  // namespace theus
