#pragma once

#include "actors/blocking_pool.hpp"
#include "actors/commit_bell.hpp"
#include "actors/large_value_warning.hpp"
#include "actors/owner_link.hpp"
#include "actors/worker_pool.hpp"
#include "runtime/clock.hpp"
#include "runtime/commit_turn.hpp"
#include "runtime/conflict_counts.hpp"
#include "runtime/execution.hpp"
#include "runtime/fork_mark.hpp"
#include "runtime/signal_export.hpp"
#include "runtime/store/journal.hpp"
#include "runtime/transactor.hpp"

#include <theus/heavy.hpp>
#include <theus/log.hpp>
#include <theus/signal_hub.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace theus::actors {

/// Hands the signals of each commit to the hub, inside the turn and so in commit order, and rings for those who look
/// out for changes. Waits for nobody.
class CommitObserver final : public CommitListener {
public:
  CommitObserver(SignalHub& hub, LargeValueWarning& warning, ConflictCounts& conflicts, CommitBell& bell,
                 AuditTrail& trail) noexcept
      : hub_(hub), warning_(warning), conflicts_(conflicts), bell_(bell), trail_(trail) {}
  void committed(Version version, std::span<const Signal> signals) noexcept override;
  void asked_for_large_value(const Path& path, std::size_t bytes) noexcept override { warning_.warn(path, bytes); }
  void refused(const Path& path) noexcept override { conflicts_.add(path); }
  void audited(const AuditEntry& entry) noexcept override { trail_.add(entry); }

private:
  SignalHub& hub_;
  LargeValueWarning& warning_;
  ConflictCounts& conflicts_;
  CommitBell& bell_;
  AuditTrail& trail_;
};

/// What all actors of one engine share. Every member is thread-safe; none knows an actor.
struct Core {
  struct Terms {
    std::size_t signal_capacity = 1000;
    std::size_t blocking_threads_max = 32;
    LogSink log{};
    std::uint64_t seed = 0;
    CommitTurn::Terms commits{};
    /// Where commits are kept; nothing: nowhere. It is `commits.log`, too.
    std::unique_ptr<store::Journal> journal{};
    /// Of an engine that joined: who decides on commits.
    std::unique_ptr<OwnerLink> owner{};
    HeavyZone heavy{};
    WorkerOptions workers{};
    AccessOptions access{};
  };

  explicit Core(Terms terms, std::unique_ptr<const Clock> time = std::make_unique<SystemClock>())
      : clock(std::move(time)),
        seed(terms.seed),
        log(std::move(terms.log)),
        journal(std::move(terms.journal)),
        owner(std::move(terms.owner)),
        hub(owner != nullptr ? SignalHub{terms.signal_capacity}
                             : SignalExport::make_hub({.capacity = terms.signal_capacity})),
        turn(&observer, *clock, with_others(terms.commits)),
        blocking(terms.blocking_threads_max),
        workers(std::move(terms.workers), seed, std::move(terms.access), terms.heavy, log),
        heavy(std::move(terms.heavy)) {}

  const std::unique_ptr<const Clock> clock;
  const std::uint64_t seed;
  const LogSink log;
  const std::unique_ptr<store::Journal> journal;
  const std::unique_ptr<OwnerLink> owner;  // nothing: this engine owns its state
  CommitFeed feed;
  SignalHub hub;
  LargeValueWarning warning{log, *clock};
  ConflictCounts conflicts;
  CommitBell bell;
  AuditTrail trail{[this](AuditEntry entry) { turn.audit(std::move(entry)); }};
  CommitObserver observer{hub, warning, conflicts, bell, trail};
  CommitTurn turn;
  Transactor transactor{turn, trail, *clock};
  BlockingPool blocking;
  WorkerPool workers;
  const ForkMark fork_mark;
  std::atomic<std::uint64_t> next_execution{owner != nullptr ? owner->first_execution() : 1};
  /// Of bodies that nobody calls, and so nobody cancels: those of agents.
  CallState no_call;
  std::atomic<std::uint64_t> unexpected_messages{0};
  /// The engine shuts down: what runs may end, nothing new begins.
  std::atomic<bool> is_closing{false};
  HeavyZone heavy;

  /// Whether what is committed stands in a journal, here or with the owner, with its cause.
  bool records_causes() const noexcept { return journal != nullptr || (owner != nullptr && owner->records_causes()); }

  /// Ends the service: from now on the engine answers `internal`. The first reason stays.
  void fail(std::string reason);
  bool has_failed() const noexcept { return has_failed_.load(std::memory_order_acquire); }
  /// Why the service ended, or nothing.
  std::optional<Error> failure() const;

private:
  CommitTurn::Terms with_others(CommitTurn::Terms terms) noexcept {
    terms.elsewhere = owner.get();
    terms.feed = owner == nullptr ? &feed : nullptr;
    return terms;
  }

  std::atomic<bool> has_failed_{false};
  std::string failure_;  // written once, before has_failed_
  std::atomic_flag failing_;
};

using CorePtr = std::shared_ptr<Core>;

}  // namespace theus::actors
