#pragma once

#include <theus/access.hpp>
#include <theus/agent.hpp>
#include <theus/audit_log.hpp>
#include <theus/cohort.hpp>
#include <theus/context.hpp>
#include <theus/execute.hpp>
#include <theus/fields.hpp>
#include <theus/heavy.hpp>
#include <theus/isolated.hpp>
#include <theus/journal.hpp>
#include <theus/pipeline.hpp>
#include <theus/process.hpp>
#include <theus/signal_hub.hpp>
#include <theus/snapshot.hpp>
#include <theus/spawn.hpp>
#include <theus/state_schema.hpp>
#include <theus/statistics.hpp>
#include <theus/transaction.hpp>
#include <theus/watch.hpp>
#include <theus/workflow.hpp>
#include <theus/write.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>

namespace theus {

/// Lets commands and programs of the same user attach to a running engine; see <theus/attach.hpp>.
struct AttachOptions {
  /// Where the engine's socket and token stand; made with mode 0700. Empty: nobody can attach.
  std::filesystem::path folder{};
  /// Connections at a time; further ones are refused (full).
  std::size_t clients_max = 32;
};

/// By what engines on different hosts know each other; files in PEM form, all three required.
struct TlsOptions {
  std::filesystem::path certificate{};  ///< of this side, and those between it and the CA
  std::filesystem::path key{};          ///< its private key, without a passphrase; refused when others may read it
  std::filesystem::path ca{};           ///< who must have signed the other side's certificate; no other CA counts
};

/// Lets engines on other hosts join, by TLS 1.3 with certificates on both sides: whoever has one of that CA may do what
/// a process of this engine's user may.
struct RemoteOptions {
  /// "address:port" or "[address]:port"; port 0: any that is free. Empty: nobody can. There is no address but the one
  /// that is given: all interfaces are "0.0.0.0" or "[::]".
  std::string listen{};
  TlsOptions tls{};
  /// For who connects to show a certificate; then he is cut. More than a second for networks on which three round trips
  /// with a lost packet take longer; 10 ms to 60 s.
  std::chrono::milliseconds certificate_timeout{1000};
};

/// Of an engine that joins another process's.
struct JoinOptions {
  /// For joining; and for commits with a request id whose owner goes down, until they are given up.
  std::chrono::milliseconds patience{10'000};
  /// For handles of another host (tls://host:port).
  TlsOptions tls{};
  /// The same.
  FetchOptions fetch{};
};

/// The process that owns the state, as a process sees it that has joined.
struct OwnerStatus {
  bool is_up = false;            ///< what is proposed is decided on
  std::uint64_t joins = 0;       ///< how often it was joined, the first time included
  std::optional<Error> fault{};  ///< why it is not up
};

struct EngineOptions {
  /// Threads that run actors; 0: as many as the machine has cores.
  std::size_t threads = 0;
  /// Executions in flight before further ones are refused with `overloaded`.
  std::size_t in_flight_max = 10'000;
  /// Threads for blocking bodies, started when they are needed; bodies beyond them wait for one.
  std::size_t blocking_threads_max = 32;
  /// Of the processes that run isolated bodies.
  WorkerOptions workers{};
  /// Events the signal hub keeps.
  std::size_t signal_capacity = 1000;
  /// How long the destructor waits for what is running.
  std::chrono::milliseconds shutdown_timeout{10'000};
  /// Of ctx.random(): the same seed and the same calls give the same numbers.
  std::uint64_t seed = 0;
  /// Who may do what where.
  AccessOptions access{};
  /// Written before anybody reads, constants included, as version 1. Not when the journal has a state.
  std::vector<Write> initial{};
  /// What the state must fit, `initial` included.
  std::optional<StateSchema> schema{};
  /// Bytes that old snapshots may keep before commits are refused with `resource_exhausted`.
  std::size_t retained_bytes_max = std::size_t{1} << 30;
  /// Requests with an id that are remembered, so that a repetition gets the first answer.
  std::size_t requests_kept_max = 65'536;
  /// Where ctx.log() goes; nothing: to the standard error stream.
  LogSink log{};
  /// Told, on a thread of the engine, when agents were given up; must not call the engine and return soon.
  std::function<void(const Escalation&)> on_escalation{};
  /// Where commits are kept beyond the engine's end. Options of a journal that is there: the seed is that of its maker.
  JournalOptions journal{};
  /// When attaching is not possible, the engine runs without and logs why.
  AttachOptions attach{};
  /// Needs `attach`. When listening is not possible, the engine runs without and logs why.
  RemoteOptions remote{};
  /// Of the buffers too large to copy; no memory is set aside before the first one.
  HeavyOptions heavy{};
  /// For from_handle() only.
  JoinOptions join{};
};

struct CasOptions {
  /// Further paths that must not have changed since the expected version.
  std::vector<Path> reads{};
  /// Refuse when anything at all has changed.
  bool strict = false;
  /// A repetition with the same id and contents answers with the first version. Empty: none.
  std::string request_id{};
  /// Root keys of policy `granted`, such as `global`, that the swap may write.
  std::vector<std::string> grants{};
};

/// One step of a workflow that ran.
struct StepReport {
  std::string step;
  Value value;
  Version version = 0;
  int attempts = 0;
};

struct WorkflowReport {
  std::vector<StepReport> steps;  ///< in order; the newest steps_kept_max of them
  std::uint64_t steps_run = 0;
  Version version = 0;

  static constexpr std::size_t steps_kept_max = 1000;
};

struct Progress {
  std::string step;  ///< of the running workflow, or the process
  std::uint64_t done = 0;
  std::uint64_t total = 0;  ///< 0: unknown
};

struct WorkflowOptions {
  std::chrono::milliseconds timeout{0};  ///< 0: the workflow's own limit
  /// Called before each step, on a thread of the engine; must not call the engine and return soon. What it throws
  /// is logged and otherwise ignored.
  std::function<void(const Progress&)> observer{};
  /// Cancels the run when its source is asked to stop: a process that runs is told through Context::is_cancelled(), and
  /// no further step begins. The run ends with `cancelled`; committed steps stay committed.
  std::stop_token cancel{};
  InputOptions inputs{};
};

/// The runtime: processes and agents as actors over one versioned state.
///
/// Thread-safe. All calls block the caller at most until their deadline. Calls from inside a body are refused with
/// `nested_call`; after shutdown with `closed`; in a forked child with `forked`, which calls that give no Result throw
/// as LogicError.
class Engine {
public:
  /// Throws the typed exception of what is wrong with the options.
  explicit Engine(EngineOptions options = {});
  /// Shuts down with the configured timeout. Actors that do not end are leaked and named on stderr.
  ~Engine();
  /// What was moved from can only be destroyed or assigned to.
  Engine(Engine&&) noexcept;
  /// Shuts down what stood here, as the destructor does.
  Engine& operator=(Engine&&) noexcept;

  /// Refuses a name that is taken, a path that cannot be parsed, a pure process with signal or meta inputs; and
  /// (unsupported) an isolated one in a program that cannot be started as a worker, see <theus/isolated.hpp>.
  Status register_process(Process process);
  std::vector<ProcessInfo> processes() const;

  /// Runs a process and waits for its commit.
  Result<Executed> execute(std::string_view process, Value arguments = Value::map(), ExecuteOptions options = {});
  /// As execute, without waiting: to be awaited by a thread, a coroutine, a future or a callback.
  PendingExecution execute_async(std::string_view process, Value arguments, ExecuteOptions options);
  // Without options apart, since GCC 12 destroys aggregates twice that stand in a `co_await` expression.
  PendingExecution execute_async(std::string_view process, Value arguments = Value::map());
  // The same with a struct (THEUS_FIELDS) whose members are the arguments.
  template <HasFields T>
  Result<Executed> execute(std::string_view process, const T& arguments, ExecuteOptions options = {}) {
    return execute(process, to_value(arguments), std::move(options));
  }
  template <HasFields T>
  PendingExecution execute_async(std::string_view process, const T& arguments, ExecuteOptions options) {
    return execute_async(process, to_value(arguments), std::move(options));
  }
  template <HasFields T>
  PendingExecution execute_async(std::string_view process, const T& arguments) {
    return execute_async(process, to_value(arguments));
  }

  /// Runs a workflow to its end; earlier steps stay committed when a later one fails.
  Result<WorkflowReport> execute_workflow(const Workflow& workflow, WorkflowOptions options = {});
  /// Loads, checks and runs the file.
  Result<WorkflowReport> execute_workflow(std::string_view path, WorkflowOptions options = {});
  /// All findings of a check against the registered processes, without running anything.
  Status check(const Workflow& workflow) const;

  /// The published state. Costs less than a microsecond and never blocks.
  Snapshot state() const;
  Version version() const noexcept;
  /// The state as it was at that version, from the journal: the nearest checkpoint before it and the commits from there
  /// on. Errors: bad_argument for a version that is still to come,
  /// not_replayable for one whose history was dropped, unsupported without a journal, journal_corrupt.
  Result<Snapshot> state_at(Version version) const;
  /// What was found in the journal; nothing: the engine has none.
  std::optional<Recovery> recovery() const;
  /// The newest version that the journal keeps at its level; without a journal, that of the state.
  Version durable_version() const noexcept;
  /// Waits until the journal keeps the version. Errors: timeout, closed, journal_failed, disk_full, unsupported.
  Status wait_durable(Version version, std::chrono::milliseconds timeout = std::chrono::seconds{30}) const;
  /// What the state and old snapshots cost. Takes the turn of a commit.
  StateStatistics state_statistics() const;

  /// Commits the writes if none of their paths (nor of options.reads) changed after `expected`; returns the new
  /// version. Otherwise `version_mismatch` with path, expected, actual and the current value. An empty swap changes
  /// nothing.
  Result<Version> compare_and_swap(Version expected, std::span<const Write> writes, const CasOptions& options = {});
  Result<Version> compare_and_swap(Version expected, std::initializer_list<Write> writes,
                                   const CasOptions& options = {}) {
    return compare_and_swap(expected, std::span{writes.begin(), writes.size()}, options);
  }
  /// Reads the path, lets `change` compute the new value and swaps it in, again after each conflict: with back-off, and
  /// from the third conflict on with the path reserved. `change` gets null for an absent path.
  Result<Version> update(const Path& path, const std::function<Value(const Value&)>& change);

  /// Opens a transaction on the published state; throws OverloadError when too many snapshots are held.
  Result<Transaction> transaction(TransactionOptions options = {});
  /// Calls the function on a new transaction and commits that, again after each conflict, as update() does. When the
  /// function returns an error or throws, nothing is committed. It should do nothing but read and write.
  Result<Version> transaction(const std::function<Status(Transaction&)>& body, const TransactionOptions& options = {});
  /// A transaction whose reason, which must not be empty, goes into the audit log when it is committed.
  Result<Transaction> edit(std::string reason);
  /// The newest thousand entries of the audit log, oldest first.
  std::vector<AuditEntry> audit_log() const;

  /// From now on what is committed must fit, wherever it comes from: otherwise schema_violation, with everything that
  /// is wrong, and nothing is written. Refuses live data that does not fit in the same way. Data of an earlier version
  /// (`global.schema_version`) is migrated first, in the same commit: by the migrations that lead from its version to
  /// the schema's, or as it is when none begins at its version. When anything is refused, nothing has changed, and the
  /// schema before stays in force. Returns the version of the state that fits. Errors besides: bad_schema for
  /// data of a later version, and for migrations that end before the schema's version; what a migration refuses with.
  Result<Version> set_schema(StateSchema schema);
  /// Adds the schema of one path to those in force, or replaces it.
  Result<Version> set_schema(const Path& path, Schema schema);
  template <class T>
  Result<Version> set_schema(const Path& path = "domain") {
    return set_schema(path, Schema::of<T>());
  }
  /// Of a file such as specs/context_schema.yaml.
  Result<Version> load_schema(const std::filesystem::path& file);
  /// What is in force. Of an engine that joined: the owner's as far as it can travel, which is without rules and
  /// migrations that are functions; a commit that can be read here stands under it or an earlier one.
  StateSchema schema() const;

  /// Tells of changes at or below the paths after version `since`. At most 1024 watches per engine.
  Result<Watch> watch(std::vector<Path> paths, Version since);
  /// As above, from now on.
  Result<Watch> watch(std::vector<Path> paths) { return watch(std::move(paths), version()); }
  /// Waits until one of the paths has changed after `since`, and returns a version in which it has. Errors: timeout,
  /// closed.
  Result<Version> wait_for_change(std::vector<Path> paths, Version since, std::chrono::nanoseconds timeout);

  SignalHub& signals() noexcept;

  /// Buffers too large to copy: built in place, committed as handles. May be used inside bodies.
  HeavyZone& heavy() noexcept;

  /// By what others attach to this engine, until it is shut down: the value of $THEUS_HANDLE and --attach. Errors:
  /// unsupported when EngineOptions::attach names no folder; why the socket could not be opened.
  Result<std::string> attach_handle() const;

  /// By what another process of the same user joins this engine, until it is shut down. Errors as attach_handle().
  Result<std::string> context_handle() const { return attach_handle(); }
  Result<std::string> get_context_handle() const { return context_handle(); }
  /// By what an engine on another host joins this one: tls://address:port. Errors: unsupported when
  /// EngineOptions::remote names no address; bad_argument for what is missing or wrong with it.
  Result<std::string> remote_handle() const;

  /// An engine that joins the one of another process of the same user on this host (and in the same pid namespace), or
  /// by its remote_handle() one on another host, which owns the state. Everything works here as there: what is read is
  /// the state as it stands here, which follows every commit; what is committed, by processes, agents, workflows,
  /// transactions and swaps, the owner decides on, and it can be read here once the call has returned. signals() hears
  /// what the owner's hub sends, in its order, and what is sent here goes there first (the sequences differ); it heeds
  /// no rate limits and lets no sender wait.
  /// heavy() shows the owner's buffers and builds none (unsupported). From another host it shows copies, each fetched
  /// when it is looked at, within the bounds of JoinOptions::fetch, and kept as long as a view of it.
  ///
  /// With the owner stay: the schema (set_schema() is unsupported; commits are held to it, and schema() tells it), the
  /// journal, the access rules and the seed, which are taken over, and the audit log of edits. So `initial`, `schema`,
  /// `access` and `journal` of the options must be as they are by default, `attach` without a folder and `remote`
  /// without an address (bad_argument).
  ///
  /// When the owner goes down, which is noticed within 2 s, reading goes on and commits are refused with owner_down;
  /// its field `unknown` is true where the answer did not come in time. With a request id a commit waits, JoinOptions::
  /// patience at most, and is done once. The owner is joined again by itself when it is back with its journal; one
  /// that has lost history, or has another one or other access rules, is refused with stale_epoch.
  ///
  /// Errors: owner_down when nobody listens there; join_refused (reason uid, token, version, full or tls, ours,
  /// theirs); deadline, timeout; bad_argument when it is no handle; unsupported when that engine has itself joined
  /// another.
  static Result<Engine> from_handle(std::string_view handle, EngineOptions options = {});
  /// Of an engine that joined; nothing: this one owns its state.
  std::optional<OwnerStatus> owner() const;

  /// Refuses a name that is taken and paths that cannot be parsed.
  Status spawn_agent(Agent agent);
  /// Spawns factory(0) ... factory(count - 1); all or none.
  Status spawn_agents(std::size_t count, const std::function<Agent(std::size_t)>& factory);
  Status stop_agent(std::string_view name);
  /// The names of the living agents, in order of their spawning.
  std::vector<std::string> agents() const;
  /// The living agents, in order of their spawning, and then the newest thousand that were given up.
  std::vector<AgentStatus> agent_status() const;

  /// Leaves the message with the agent: one with AgentTriggers::messages runs on it, one that takes part in rounds
  /// finds it in its next. Errors: unknown_agent with the nearest name; overloaded when Agent::backlog_max messages
  /// wait.
  Status send(std::string_view agent, Value message);

  /// How often agents of the group, and of those below it, may fail too often before all of them are stopped: 3 times
  /// in a minute unless told. Refuses an empty name.
  Status supervise(std::string_view group, Restarts terms);

  /// One round of all agents whose name matches the pattern (`*` and `?`), in order of their spawning.
  Result<RoundReport> round(std::string_view pattern = "*",
                            std::chrono::milliseconds timeout = std::chrono::seconds{60});

  /// Starts a process that joins this engine and keeps it alive: it is started again when it ends, asked to end when
  /// this engine is shut down, and ends by itself when this process is killed. `what` is the name of a function that
  /// main() gave to serve_if_spawned(), or the path of a module (it has a slash or ends with `.so`, and no function has
  /// that name). What agents it spawns and this engine has as well, alike, it steps in this engine's rounds.
  /// Returns when it runs. Errors: unsupported without EngineOptions::attach, or in a program that does not call
  /// serve_if_spawned(); bad_argument for a function that it does not know; what the function refused with, why the
  /// module cannot be loaded; worker_died, deadline, resource_exhausted when it cannot be started.
  Result<SpawnedProcess> spawn_process(std::string_view what, SpawnOptions options = {});
  /// All that were started, in order; of very many those that have ended for good are forgotten.
  std::vector<SpawnedStatus> spawned_processes() const;

  /// Of an engine that joined: offers the owner to step, here, its agents in its rounds: those that were spawned here
  /// until now under the same name and with the same contract, and do not act on their own. How many these are. The
  /// owner keeps their private state and messages, and steps them itself when this process ends. What is spawned or
  /// stopped later counts with the next offer. Errors: unsupported when this engine owns its state; owner_down,
  /// timeout; too_large when the names have more than 16 MiB.
  Result<std::size_t> host_agents();
  /// Who steps agents in the rounds of this engine: this process first, then those that offered to.
  std::vector<RoundHost> round_hosts() const;

  /// What has been executed, refused and retried since the engine was built, and how long it took.
  EngineStatistics statistics() const;

  /// Refuses a name that another cohort has, a declaration that cannot work, paths that cannot be parsed.
  Status spawn_cohort(Cohort cohort);
  /// Steps all its agents once. Errors: unknown_agent with the nearest name, why the step failed, overloaded when too
  /// many of its steps wait, deadline.
  Result<CohortReport> step_cohort(std::string_view name, std::chrono::milliseconds timeout = std::chrono::seconds{60});
  /// A copy of the column, between two steps.
  Result<std::vector<double>> cohort_column(std::string_view name, std::string_view column) const;
  Status stop_cohort(std::string_view name);

  /// What the process called last with ctx.progress().
  Progress progress(std::string_view process) const;

  /// Refuses new work, waits for what is running and stops all actors. What does not end within the timeout is named:
  /// shutdown_stuck{names}. Idempotent.
  Status shutdown(std::chrono::milliseconds timeout);

private:
  friend class Rehearsal;

  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl) noexcept;
  void end() noexcept;

  std::unique_ptr<Impl> impl_;
};

using TheusEngine = Engine;

}  // namespace theus
