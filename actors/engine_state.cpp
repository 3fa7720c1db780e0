#include "actors/engine_parts.hpp"

#include <algorithm>
#include <theus/replay.hpp>

namespace theus {
namespace {

Cause::Kind kind_of(const TransactionOptions& options) {
  return options.reason.empty() ? Cause::Kind::transaction : Cause::Kind::edit;
}

}  // namespace

Snapshot Engine::state() const {
  impl_->require_parent("state");
  return impl_->core->turn.snapshot();
}
Version Engine::version() const noexcept { return impl_->core->turn.version(); }

Result<Snapshot> Engine::state_at(Version version) const {
  constexpr std::chrono::seconds patience{30};
  if (auto open = impl_->enter("state_at"); !open)
    return open.error();
  const std::string what = "version " + std::to_string(version);
  Snapshot now = impl_->core->turn.snapshot();
  if (version == now.version())
    return now;
  if (version > now.version())
    return Error{Errc::bad_argument, what, "it does not exist yet; the newest is " + std::to_string(now.version()),
                 "Take it from a snapshot"}
        .with("version", version);
  if (impl_->core->journal == nullptr)
    return Error{Errc::unsupported, what, "the engine has no journal, so older versions are gone",
                 "Set EngineOptions::journal, or hold snapshots"};
  // With Durability::disk_async it may still be on its way.
  if (auto there = impl_->core->turn.wait_durable(version, std::chrono::steady_clock::now() + patience); !there)
    return there.error();
  return theus::state_at(impl_->core->journal->path(), version);
}

std::optional<Recovery> Engine::recovery() const { return impl_->recovery; }
Version Engine::durable_version() const noexcept { return impl_->core->turn.durable_version(); }
Status Engine::wait_durable(Version version, std::chrono::milliseconds timeout) const {
  if (auto open = impl_->enter("wait_durable"); !open)
    return open;
  return impl_->core->turn.wait_durable(version, std::chrono::steady_clock::now() + timeout);
}
StateStatistics Engine::state_statistics() const {
  impl_->require_parent("state_statistics");
  return impl_->core->turn.statistics();
}
HeavyZone& Engine::heavy() noexcept { return impl_->core->heavy; }
SignalHub& Engine::signals() noexcept { return impl_->core->hub; }
std::vector<AuditEntry> Engine::audit_log() const {
  impl_->require_parent("audit_log");
  return impl_->core->trail.entries();
}

Result<Version> Engine::compare_and_swap(Version expected, std::span<const Write> writes, const CasOptions& options) {
  if (auto open = impl_->enter("compare_and_swap"); !open)
    return open.error();
  const AccessTable& access = *impl_->core->turn.access();
  if (std::ranges::any_of(writes, [&](const Write& write) { return access.brings_heavy(write); })) [[unlikely]]
    return impl_->swap_heavy(expected, writes, options);
  return impl_->swap(expected, writes, options);
}

Result<Version> Engine::Impl::swap_heavy(Version expected, std::span<const Write> writes, const CasOptions& wanted) {
  std::vector<Write> admitted(writes.begin(), writes.end());
  if (auto fits = core->turn.access()->admit_all(admitted); !fits)
    return fits.error();
  return swap(expected, admitted, wanted);
}

Result<Version> Engine::Impl::swap(Version expected, std::span<const Write> writes, const CasOptions& wanted) {
  ProposalView proposal{
      .base = expected, .strict = wanted.strict, .reads = wanted.reads, .writes = writes, .kind = Cause::Kind::swap};
  if (wanted.request_id.empty() && wanted.grants.empty()) [[likely]]
    return core->turn.commit(proposal);
  const Standing standing{.grants = wanted.grants};
  proposal.standing = &standing;
  const Request request{wanted.request_id, fingerprint_of(expected, writes)};
  if (!request.id.empty())
    proposal.request = &request;
  return core->turn.commit(proposal);
}

Result<Version> Engine::update(const Path& path, const std::function<Value(const Value&)>& change) {
  return transaction([&](Transaction& transaction) {
    auto now = transaction.find(path);
    return now ? transaction.set(path, change(now->value_or(Value{}))) : Status{now.error()};
  });
}

Result<Transaction> Engine::transaction(TransactionOptions options) {
  if (auto open = impl_->enter("transaction"); !open)
    return open.error();
  const Cause::Kind kind = kind_of(options);
  return impl_->core->transactor.open(std::move(options), kind, impl_->core);
}

Result<Version> Engine::transaction(const std::function<Status(Transaction&)>& body,
                                    const TransactionOptions& options) {
  if (auto open = impl_->enter("transaction"); !open)
    return open.error();
  return impl_->core->transactor.run(body, options, kind_of(options));
}

Result<Transaction> Engine::edit(std::string reason) {
  if (reason.empty())
    return Error{Errc::bad_argument, "edit", "no reason was given", "Say why the state is edited by hand"};
  return transaction(TransactionOptions{.reason = std::move(reason)});
}

Result<Watch> Engine::watch(std::vector<Path> paths, Version since) {
  if (auto open = impl_->enter("watch"); !open)
    return open.error();
  return Watch::start({impl_->core, &impl_->core->turn}, std::move(paths), since);
}

Result<Version> Engine::wait_for_change(std::vector<Path> paths, Version since, std::chrono::nanoseconds timeout) {
  auto watch = this->watch(std::move(paths), since);
  if (!watch)
    return watch.error();
  auto change = watch->next(timeout);
  return change ? Result<Version>{change->version} : Result<Version>{change.error()};
}

}  // namespace theus
