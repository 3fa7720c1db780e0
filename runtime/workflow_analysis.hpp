#pragma once

#include "runtime/findings.hpp"
#include "runtime/workflow_plan.hpp"

namespace theus {

/// Fills in the facts of each block and finds steps that can never run, constant conditions that are no booleans,
/// nesting beyond the limit, and local paths that are read and never set. REQUIRES: no workflow calls itself.
void analyse(WorkflowPlan& plan, Findings& findings);

}  // namespace theus
