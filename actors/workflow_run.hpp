#pragma once

#include "actors/registry.hpp"

#include <theus/engine.hpp>

namespace theus::actors {

/// A run of a workflow as its caller asked for it. Constant but for the wish to cancel it.
struct WorkflowRun {
  using Answer = std::function<void(Result<WorkflowReport>)>;

  Workflow workflow;
  std::shared_ptr<const Registry::Table> processes;
  Deadline deadline;
  std::function<void(const Progress&)> observer;
  Answer answer;
  std::atomic<bool> cancelled{false};
};
using WorkflowRunPtr = std::shared_ptr<WorkflowRun>;

}  // namespace theus::actors
