#include "actors/caf_ways.hpp"
#include "actors/engine_parts.hpp"
#include "actors/heavy_host.hpp"
#include "actors/user_callback.hpp"

#include <unistd.h>

#include <cerrno>

namespace theus {
namespace {

// The server's one thread should not be held up for long by conflicts.
constexpr std::chrono::milliseconds set_timeout{1000};
// Others wait while the state is looked through for heavy buffers.
constexpr std::uint64_t looked_through_bytes_max = std::uint64_t{64} << 20;

/// A journal goes on where it ended; without one there is no history beyond this run.
OwnerIdentity identity_of(const actors::Core& core) {
  const std::string epoch = Secret::random().text();
  return {.history = core.journal != nullptr ? core.journal->name() : epoch, .epoch = epoch};
}

/// Brings what joined processes say about rounds to the population.
class PopulationDesk final : public RoundDesk {
public:
  explicit PopulationDesk(actors::Population population) : population_(std::move(population)) {}

  void offered(const HostLinePtr& line, std::vector<OfferedAgent> agents) override {
    actors::tell(population_, actors::OfferedAgents{line, std::move(agents)});
  }
  void answered(const HostLinePtr& line, ShareAnswer answer) override {
    actors::tell(population_, actors::ShareAnswered{line, std::make_shared<ShareAnswer>(std::move(answer))});
  }
  void left(const HostLinePtr& line) override { actors::tell(population_, actors::HostLeft{line}); }

private:
  const actors::Population population_;
};

/// The engine as attached clients see it.
class EngineTarget final : public AttachTarget {
public:
  /// `enter` tells whether the engine takes calls.
  EngineTarget(actors::CorePtr core, actors::Population population, std::size_t retained_bytes_max,
               AccessOptions access, std::function<Status()> enter, std::shared_ptr<const Descriptor> wake)
      : core_(std::move(core)),
        desk_(std::move(population)),
        retained_bytes_max_(retained_bytes_max),
        enter_(std::move(enter)),
        begun_(core_->clock->now()),
        follow_terms_{.turn = core_->turn,
                      .feed = core_->feed,
                      .hub = core_->hub,
                      .identity = identity_of(*core_),
                      .access = std::move(access),
                      .wake = std::move(wake),
                      .enter = enter_,
                      .rounds = &desk_,
                      .seed = core_->seed,
                      .records_causes = core_->journal != nullptr} {}

  const FollowTerms* follow_terms() const override { return core_->owner == nullptr ? &follow_terms_ : nullptr; }

  EngineInfo info() const override {
    const auto uptime = core_->clock->now() - begun_;
    return {::getpid(), program_invocation_short_name, THEUS_VERSION,
            std::chrono::duration_cast<std::chrono::milliseconds>(uptime), version()};
  }
  Version version() const noexcept override { return core_->turn.version(); }
  Snapshot state() const override { return core_->turn.snapshot(); }
  std::shared_ptr<const SchemaGuard> schema() const override { return core_->turn.schema(); }

  // Well before commits are refused for it.
  bool is_short_of_memory() const override { return core_->turn.statistics().retained_bytes > retained_bytes_max_ / 2; }

  HeavyReport heavy(const HeavyQuery& query) override {
    std::optional<Snapshot> state;
    if (query.wants_places && core_->turn.statistics().node_bytes <= looked_through_bytes_max)
      state = core_->turn.try_snapshot();
    return actors::HeavyHost::report(core_->heavy, query, state ? &*state : nullptr);
  }

  Result<LentBuffer> lend(const HeavyRef& ref) override { return actors::HeavyHost::lend(core_->heavy, ref); }

  Result<Version> set(const Path& path, const Value& value, const SetOptions& options) override {
    if (auto open = enter_(); !open)
      return open.error();
    return options.expected
               ? swap(path, value, *options.expected, options.reason)
               : core_->transactor.run([&](Transaction& edit) { return edit.set(path, value); },
                                       {.reason = options.reason, .timeout = set_timeout}, Cause::Kind::attached);
  }

  Result<std::uint64_t> send_signal(std::string_view name, const Value& payload) override {
    if (auto open = enter_(); !open)
      return open.error();
    return core_->hub.try_send(name, payload);
  }

  Result<SignalReceiver> listen(const ListenOptions& options) override {
    return core_->hub.try_subscribe(
        {.from = SignalStart::last(options.last), .filter = options.filter, .name = "attached"});
  }

private:
  // A transaction reads the newest state; here the caller says which version it has seen.
  Result<Version> swap(const Path& path, const Value& value, Version expected, const std::string& reason) {
    std::vector<Write> writes{Write::set(path, value)};
    if (auto fits = core_->turn.access()->admit_all(writes); !fits)
      return fits.error();
    auto outcome = core_->turn.commit({.base = expected, .writes = writes, .kind = Cause::Kind::attached});
    if (outcome && !reason.empty())
      core_->trail.record({.kind = AuditEntry::Kind::edit,
                           .who = "transaction",
                           .reason = reason,
                           .version = *outcome,
                           .time = core_->clock->wall()});
    return outcome;
  }

  const actors::CorePtr core_;
  PopulationDesk desk_;
  const std::size_t retained_bytes_max_;
  const std::function<Status()> enter_;
  const std::chrono::steady_clock::time_point begun_;
  const FollowTerms follow_terms_;
};

void warn(const actors::Core& core, const std::string& text) {
  (void)actors::call_user([&] {
    core.log({.level = LogLevel::warning,
              .text = text,
              .fields = Value::map(),
              .process = "attach",
              .execution = 0,
              .version = core.turn.version(),
              .time = core.clock->wall()});
  });
}

}  // namespace

void Engine::Impl::open_attach() {
  if (options.attach.folder.empty()) {
    attach_handle = Error{Errc::unsupported, "attach", "this engine was not asked to let others attach",
                          "Name a folder in EngineOptions::attach"};
    return;
  }
  auto server = actors::AttachServer::start(options.attach, core, [this](std::shared_ptr<const Descriptor> wake) {
    return std::make_unique<EngineTarget>(
        core, population, options.retained_bytes_max, options.access, [this] { return enter("set"); }, std::move(wake));
  });
  if (server) {
    attach = *std::move(server);
    attach_handle = attach->handle();
    return;
  }
  attach_handle = server.error();
  warn(*core, "nobody can attach: " + server.error().text());
}

Result<std::string> Engine::Impl::open_door() {
  if (options.remote.listen.empty())
    return Error{Errc::unsupported, "tls", "this engine was not asked to let engines on other hosts join",
                 "Name an address in EngineOptions::remote"};
  if (attach == nullptr)
    return Error{Errc::bad_argument, "tls", "who joins from another host is served where others attach, and nobody can",
                 "Name a folder in EngineOptions::attach as well"};
  auto opened = actors::TlsDoor::open(options.remote, options.attach.clients_max, attach->visitors(),
                                      [core = core](const Error& error) { warn(*core, error.text()); });
  if (!opened) {
    warn(*core, "nobody can join from another host: " + opened.error().text());
    return opened.error();
  }
  door = *std::move(opened);
  return door->handle();
}

Result<Engine> Engine::from_handle(std::string_view handle, EngineOptions options) {
  const bool asks_for_own = !options.journal.path.empty() || !options.initial.empty() || options.schema ||
                            !options.attach.folder.empty() || !options.remote.listen.empty() ||
                            !options.access.namespaces.empty() || !options.access.overrides.empty();
  if (asks_for_own)
    return Error{Errc::bad_argument, "join", "the options say what is the owner's to say",
                 "Leave initial, schema, access, journal, attach and remote as they are; the owner has its own"};
  auto link = actors::OwnerLink::join(std::string{handle}, options.join);
  if (!link)
    return link.error();
  Engine engine{std::make_unique<Impl>(std::move(options), *std::move(link))};
  if (Status there = engine.impl_->core->owner->wait_for_state(); !there)
    return there.error();
  return engine;
}

std::optional<OwnerStatus> Engine::owner() const {
  const auto& owner = impl_->core->owner;
  return owner != nullptr ? std::optional{owner->status()} : std::nullopt;
}

Result<std::string> Engine::remote_handle() const {
  if (impl_->core->is_closing.load(std::memory_order_acquire))
    return Error{Errc::closed, "tls", "the engine was shut down", "Create another engine"};
  return *impl_->remote_handle;
}

Result<std::string> Engine::attach_handle() const {
  if (impl_->core->is_closing.load(std::memory_order_acquire))
    return Error{Errc::closed, "attach", "the engine was shut down", "Create another engine"};
  return *impl_->attach_handle;
}

}  // namespace theus
