#pragma once

#include "actors/agent_definition.hpp"

#include <theus/cohort.hpp>

#include <mutex>
#include <vector>

namespace theus::actors {

/// What was spawned in an engine that only lends its definitions, in order. Thread-safe through its mutex.
struct Spawned {
  std::mutex mutex;
  std::vector<AgentDefinitionPtr> agents;  // guarded by mutex, as are the cohorts
  std::vector<Cohort> cohorts;
};

}  // namespace theus::actors
