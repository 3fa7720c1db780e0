#include "actors/caf_ways.hpp"
#include "actors/engine_parts.hpp"
#include "actors/joined_zone.hpp"
#include "actors/sharing.hpp"
#include "actors/worker_service.hpp"
#include "shm/heavy_room.hpp"

#include <cstdio>
#include <thread>

namespace theus {
namespace {

// Stops at 300 messages so that no busy actor keeps a thread to itself. CAF's default policy, work stealing, would
// wake sleeping threads late: messages from other threads would take 60 to 125 us instead of 10.
constexpr std::size_t messages_per_run = 300;
constexpr std::chrono::milliseconds kill_margin_max{1'000};

Error forked(std::string_view what) {
  return Error{Errc::forked, std::string{what},
               "this process is a forked child; the engine's threads live in its parent",
               "Build an engine here, or start another program (fork and exec)"};
}

/// A worker that built engines would do again what the program does, journal included; so would a spawned process.
void require_no_idle_child() {
  if (actors::is_idle_spawned())
    raise(Error{Errc::unsupported, "Engine", "this process was spawned, and builds an engine of its own",
                "Call theus::serve_if_spawned() at the top of main(), before engines are built"});
  if (actors::is_idle_worker())
    raise(Error{Errc::unsupported, "Engine", "this process was started as a worker, and builds an engine of its own",
                "Call theus::serve_if_worker() at the top of main(), before engines are built"});
}

actors::CorePtr make_core(const EngineOptions& options, std::unique_ptr<actors::OwnerLink> link) {
  require_no_idle_child();
  const HeavyZone heavy =
      link != nullptr ? actors::joined_zone(link->address(), options.join) : HeavyZone{options.heavy};
  const AccessOptions access = link != nullptr ? link->access() : options.access;
  actors::Core::Terms terms{
      .signal_capacity = options.signal_capacity,
      .blocking_threads_max = options.blocking_threads_max,
      .log = options.log ? options.log : log_to_console(),
      .seed = link != nullptr ? link->seed() : options.seed,
      .commits = {.requests_kept_max = options.requests_kept_max,
                  .retained_bytes_max = options.retained_bytes_max,
                  .access = AccessTable::compile(access, shm::HeavyRoom::of(heavy)).value()},
      .owner = std::move(link),
      .heavy = heavy,
  };
  terms.workers = options.workers;
  terms.access = access;
  if (!options.journal.path.empty()) {
    terms.journal = store::Journal::open({options.journal, options.seed, terms.log}).value();
    terms.seed = terms.journal->seed();
    terms.commits.log = terms.journal.get();
    terms.commits.publishes_before_logging = options.journal.level == Durability::disk_async;
  }
  return std::make_shared<actors::Core>(std::move(terms));
}

/// What the journal has, or else what an engine begins with.
std::optional<Recovery> begin(const actors::CorePtr& core, const EngineOptions& options) {
  std::optional<Recovery> found;
  if (core->owner != nullptr) {
    core->owner->start(core->turn, core->hub);
    return found;
  }
  if (store::Journal* const journal = core->journal.get()) {
    found = journal->recover(core->turn).value();
    const auto audited = journal->audit_entries(AuditTrail::entries_max);
    for (const AuditEntry& entry : audited.value())
      core->trail.add(entry);
    journal->take_checkpoints_of([turn = &core->turn] { return turn->try_snapshot(); });
  }
  if (core->turn.version() == 0) {
    const Standing starting{.is_starting = true};
    const Cause cause{.kind = Cause::Kind::initial, .time = core->clock->wall()};
    std::vector<Write> initial = options.initial;
    core->turn.access()->admit_all(initial).value();
    core->turn.commit({.writes = initial, .standing = &starting, .cause = &cause}).value();
  }
  return found;
}

}  // namespace

Engine::Impl::CafConfig::CafConfig(std::size_t threads) {
  module_factories.emplace_back([](caf::actor_system& system) -> caf::actor_system::module* {
    return new caf::scheduler::coordinator<actors::Sharing>{system};
  });
  set("scheduler.max-threads", threads);
  set("scheduler.max-throughput", messages_per_run);
}

Engine::Impl::Impl(EngineOptions given, std::unique_ptr<actors::OwnerLink> link)
    : options(std::move(given)), core(make_core(options, std::move(link))), recovery(begin(core, options)) {
  // Before there are actors, which a constructor that throws would leave waiting.
  if (options.schema) {
    const std::lock_guard lock{schema_mutex};
    adopt(*options.schema).value();
  }
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  config = std::make_unique<CafConfig>(options.threads == 0 ? cores : options.threads);
  system = std::make_unique<caf::actor_system>(*config);
  owner = actors::spawn_state_owner(*system, core);
  hub = actors::spawn_hub(*system, core);
  scout = actors::spawn_scout(*system, core, hub);
  population = actors::spawn_population(
      *system, {.core = core,
                .owner = owner,
                .scout = scout,
                .directory = directory,
                .on_escalation = options.on_escalation,
                .answer_share =
                    [joined = core.get()](const RoundShare& share, std::vector<std::byte> answer) {
                      if (joined->owner != nullptr)
                        joined->owner->answer_share(share, std::move(answer));
                    },
                .outlook =
                    [spawned = spawns](int pid) {
                      const auto desk = spawned->desk();
                      return desk != nullptr ? desk->outlook(pid) : actors::HostOutlook::none;
                    },
                .kill_host =
                    [spawned = spawns](int pid) {
                      if (const auto desk = spawned->desk())
                        desk->kill(pid);
                    }});
  supervisor = actors::spawn_supervisor(*system, core,
                                        {caf::actor_cast<caf::actor>(owner), caf::actor_cast<caf::actor>(population),
                                         caf::actor_cast<caf::actor>(hub), caf::actor_cast<caf::actor>(scout)});
  open_attach();
  remote_handle = open_door();
}

Engine::Engine(EngineOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Engine::Engine(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&& other) noexcept {
  if (this != &other) {
    end();
    impl_ = std::move(other.impl_);
  }
  return *this;
}
Engine::~Engine() { end(); }

void Engine::end() noexcept {
  if (impl_ == nullptr)
    return;
  if (impl_->core->fork_mark.is_child()) {
    // Its threads are not here to be waited for. The memory goes with the child.
    (void)impl_.release();
    return;
  }
  if (auto ended = impl_->shutdown(impl_->options.shutdown_timeout); !ended)
    std::fprintf(stderr, "%s\n", ended.error().text().c_str());
  impl_.reset();
}

Status Engine::shutdown(std::chrono::milliseconds timeout) {
  return impl_->core->fork_mark.is_child() ? Status{forked("shutdown")} : impl_->shutdown(timeout);
}

void Engine::Impl::require_parent(std::string_view what) const {
  if (core->fork_mark.is_child()) [[unlikely]]
    raise(forked(what));
}

Status Engine::Impl::enter(std::string_view what) const {
  if (core->fork_mark.is_child()) [[unlikely]]
    return forked(what);
  if (const std::string* body = running_body())
    return Error{Errc::nested_call, "'" + *body + "'",
                 "its body called the engine (" + std::string{what} + "), which could wait for itself",
                 "Compose the functions into one body with theus::pipeline, or make them steps of a workflow"}
        .with("names", Value::list({Value{*body}, Value{what}}));
  if (core->is_closing.load(std::memory_order_acquire))
    return Error{Errc::closed, std::string{what}, "the engine was shut down", "Create another engine"};
  if (core->has_failed())
    return *core->failure();
  return {};
}

Result<std::shared_ptr<void>> Engine::Impl::admit() {
  const std::size_t before = in_flight->fetch_add(1);
  std::shared_ptr<void> place{nullptr, [count = in_flight](void*) { count->fetch_sub(1); }};
  if (before >= options.in_flight_max) {
    overloaded.fetch_add(1, std::memory_order_relaxed);
    return Error{Errc::overloaded, "engine",
                 std::to_string(options.in_flight_max) + " executions are in flight, which is the limit",
                 "Try again later, send less, or raise EngineOptions::in_flight_max"}
        .with("limit", options.in_flight_max);
  }
  return place;
}

std::vector<std::string> Engine::Impl::running_names() const {
  std::vector<std::string> names;
  const auto processes = registry.table();
  for (const auto& [name, process] : *processes)
    if (process->counters.running.load() > 0)
      names.push_back(name);
  return names;
}

Status Engine::Impl::shutdown(std::chrono::milliseconds timeout) {
  using Steady = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds look_interval{1};
  const std::lock_guard lock{shutdown_mutex};
  if (shutdown_result)
    return *shutdown_result;
  if (auto nested = running_body())
    return Error{Errc::nested_call, "'" + *nested + "'", "its body tried to shut the engine down",
                 "Do it from another thread"};
  core->is_closing.store(true, std::memory_order_release);
  const auto deadline = Steady::now() + timeout;
  // Isolated bodies that do not end in time are killed early enough for their executions to end in time.
  const auto kill_at = deadline - std::min(timeout / 4, kill_margin_max);
  while (in_flight->load() > 0 && Steady::now() < kill_at)
    std::this_thread::sleep_for(look_interval);
  core->workers.close();
  while (in_flight->load() > 0 && Steady::now() < deadline)
    std::this_thread::sleep_for(look_interval);
  spawn_desk()->close();
  attach.reset();
  door.reset();

  {
    const std::lock_guard cohorts_lock{cohorts_mutex};
    for (const auto& [name, cohort] : cohorts)
      caf::anon_send_exit(cohort, caf::exit_reason::user_shutdown);
    cohorts.clear();
  }
  for (const caf::actor& each :
       {caf::actor_cast<caf::actor>(supervisor), caf::actor_cast<caf::actor>(population),
        caf::actor_cast<caf::actor>(scout), caf::actor_cast<caf::actor>(hub), caf::actor_cast<caf::actor>(owner)})
    caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
  supervisor = nullptr;
  population = nullptr;
  scout = nullptr;
  hub = nullptr;
  owner = nullptr;
  while (system->registry().running() > 0 && Steady::now() < deadline)
    std::this_thread::sleep_for(look_interval);
  if (core->owner != nullptr)
    core->owner->stop();
  const Status kept = core->turn.close();
  core->hub.close();

  if (system->registry().running() == 0) {
    system.reset();
    shutdown_result = !kept ? kept : core->journal != nullptr ? core->journal->close() : Status{};
    return *shutdown_result;
  }
  // Destroying the system would wait for ever: it is left behind, with all it needs.
  auto names = running_names();
  std::string list;
  Value values = Value::list();
  for (const std::string& name : names.empty() ? std::vector<std::string>{"an agent"} : names) {
    list += (list.empty() ? "" : ", ") + name;
    values.push_back(name);
  }
  (void)system.release();
  (void)config.release();
  shutdown_result =
      Error{Errc::shutdown_stuck, "engine", "still running after " + std::to_string(timeout.count()) + " ms: " + list,
            "Let these bodies look at ctx.is_cancelled(); the process must now be ended"}
          .with("names", values);
  return *shutdown_result;
}

}  // namespace theus
