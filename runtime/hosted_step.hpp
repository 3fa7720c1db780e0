#pragma once

// A step that another process took for the owner. What it asks for goes through the contract that the owner has, as if
// the body had asked here: a host is trusted no more than a body.

#include "runtime/attach/round_wire.hpp"
#include "runtime/contract.hpp"

namespace theus {

/// Whether others may take steps of such an agent: not where it may be elevated, which the owner's audit log must know
/// of first, and not where it declares paths of the heavy zone, whose buffers are built and kept here.
bool may_step_elsewhere(const Contract& contract);

/// What may be committed of it. Refuses as the Context would have; `before` is the agent's private state.
Result<ExecutionResult> step_within_contract(const Contract& contract, AgentStep step, const Value& before,
                                             const Addressees& addressees);

}  // namespace theus
