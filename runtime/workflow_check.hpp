#pragma once

#include "runtime/findings.hpp"
#include "runtime/workflow_plan.hpp"

namespace theus {

/// Adds a finding for every name in the plan that the catalogue does not know.
void check_names(const WorkflowPlan& plan, const Catalogue& catalogue, Findings& findings);

}  // namespace theus
