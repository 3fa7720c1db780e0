#pragma once

#include "actors/attach_server.hpp"
#include "actors/pending_execution.hpp"
#include "actors/protocol.hpp"
#include "actors/registry.hpp"
#include "actors/spawn_desk.hpp"
#include "actors/spawned.hpp"
#include "actors/tls_door.hpp"
#include "actors/waiter.hpp"

#include <theus/engine.hpp>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

namespace theus {

/// What stands behind an Engine. Its functions are split by concern: engine.cpp (construction and shutdown),
/// engine_calls.cpp (processes), engine_state.cpp (reads and swaps),
/// engine_schema.cpp, engine_agents.cpp, engine_cohorts.cpp,
/// engine_workflow.cpp, engine_attach.cpp, engine_spawn.cpp.
struct Engine::Impl {
  /// `link`: it joins the owner at the other end.
  explicit Impl(EngineOptions options, std::unique_ptr<actors::OwnerLink> link = nullptr);

  struct CafConfig : caf::actor_system_config {
    explicit CafConfig(std::size_t threads);
  };

  /// Refuses calls from inside a body, after shutdown and after a failure. `what` names the call.
  Status enter(std::string_view what) const;
  /// For what cannot refuse otherwise: throws LogicError in a forked child, where locks may be held for ever.
  void require_parent(std::string_view what) const;

  /// A place among the executions in flight, until its last copy is gone; or `overloaded`.
  Result<std::shared_ptr<void>> admit();
  /// Begins a call of the process: `state` gets its result. If the thread will wait for it, it may do so here.
  actors::CallPtr start_call(std::string_view process, Value arguments, ExecuteOptions wanted,
                             const std::shared_ptr<PendingExecution::State>& state, bool will_wait);

  /// A call of the process that has been checked and admitted; `answer` gets its result.
  Result<actors::CallPtr> make_call(const actors::ProcessPtr& process, Value arguments, ExecuteOptions wanted,
                                    actors::Call::Answer answer);

  Result<Version> swap(Version expected, std::span<const Write> writes, const CasOptions& options);
  /// As swap, for writes of which some bring buffers or what becomes buffers.
  Result<Version> swap_heavy(Version expected, std::span<const Write> writes, const CasOptions& options);

  /// Made when it is first asked for.
  std::shared_ptr<actors::SpawnDesk> spawn_desk();

  /// Lets others attach, and join from other hosts, if the options say so.
  void open_attach();
  Result<std::string> open_door();

  /// Refuses unknown_agent, with the nearest name.
  Result<actors::CohortActor> find_cohort(std::string_view name);

  /// Brings the schema into force. REQUIRES: schema_mutex is held.
  Result<Version> adopt(StateSchema next);

  /// Writes the inputs of a workflow into the state.
  Status load(const Workflow& workflow, const InputOptions& wanted);

  /// What ends within the deadline, or names what did not.
  Status shutdown(std::chrono::milliseconds timeout);
  std::vector<std::string> running_names() const;

  // Constant after construction. The order matters: handles go before the system, the system before its config.
  const EngineOptions options;
  const actors::CorePtr core;
  const std::optional<Recovery> recovery;
  std::unique_ptr<CafConfig> config;
  std::unique_ptr<caf::actor_system> system;
  actors::StateOwner owner;
  actors::Population population;
  actors::Hub hub;
  actors::Scout scout;
  actors::Supervisor supervisor;

  // Thread-safe on their own.
  actors::Registry registry{core->turn.access()};
  std::atomic<std::uint64_t> overloaded{0};
  const actors::AgentDirectoryPtr directory = std::make_shared<actors::AgentDirectory>();
  std::shared_ptr<std::atomic<std::size_t>> in_flight = std::make_shared<std::atomic<std::size_t>>(0);

  std::optional<Result<std::string>> attach_handle;  // constant after construction
  std::optional<Result<std::string>> remote_handle;  // the same
  std::unique_ptr<actors::TlsDoor> door;             // guarded by shutdown_mutex; ends after the server
  std::unique_ptr<actors::AttachServer> attach;      // its thread uses what stands above; guarded by shutdown_mutex

  mutable std::mutex schema_mutex;
  StateSchema schema;  // guarded by schema_mutex
  /// Of the schema; outlives the commits that are checked with it.
  std::shared_ptr<const SchemaGuard> schema_guard;  // guarded by schema_mutex

  const std::shared_ptr<actors::SpawnPlace> spawns = std::make_shared<actors::SpawnPlace>();

  std::mutex cohorts_mutex;
  std::map<std::string, actors::CohortActor, std::less<>> cohorts;  // guarded by cohorts_mutex

  /// Of an engine that only lends its definitions to a replay: what was spawned, and does not act by itself. Constant
  /// pointer after the construction of the Rehearsal.
  std::unique_ptr<actors::Spawned> spawned;

  std::mutex shutdown_mutex;
  std::optional<Status> shutdown_result;  // guarded by shutdown_mutex
};

}  // namespace theus
