#pragma once

#include "runtime/clock.hpp"
#include "runtime/commit.hpp"
#include "runtime/commit_feed.hpp"
#include "runtime/commit_log.hpp"
#include "runtime/watch_points.hpp"

#include <theus/snapshot.hpp>
#include <theus/statistics.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace theus {

/// Told of every commit, inside the turn and in version order: must neither block nor throw nor call back.
class CommitListener {
public:
  virtual ~CommitListener() = default;
  virtual void committed(Version version, std::span<const Signal> signals) noexcept = 0;
  // Told perhaps by several threads at once.

  /// Of an entry of the audit log: inside the turn, once it is as safe as its commit.
  virtual void audited(const AuditEntry& /*entry*/) noexcept {}

  /// Of a commit that was refused because this path had changed.
  virtual void refused(const Path& /*path*/) noexcept {}
  /// Of a value of a megabyte or more.
  virtual void asked_for_large_value(const Path& /*path*/, std::size_t /*bytes*/) noexcept {}
};

/// The outcome of a proposal: the version that holds it, or why it was refused.
using Outcome = Result<Version>;

class CommitTurn;
class CommitDecider;

/// Proposals that travel through the turn together, each one on its own. Its members outlive the call of settled().
class ProposalBatch {
public:
  virtual ~ProposalBatch() = default;
  /// All outcomes are there, but for those that wait for a reservation. Called once, by any thread.
  virtual void settled() noexcept = 0;

  std::vector<ProposalView> proposals;
  std::vector<std::optional<Outcome>> outcomes;
};

/// Paths kept free for one transaction until this goes. Belongs to one thread or actor; the turn must outlive it.
class Reservation {
public:
  Reservation(Reservation&& other) noexcept
      : turn_(std::exchange(other.turn_, nullptr)), id_(std::exchange(other.id_, Reservations::nobody)) {}
  Reservation& operator=(Reservation&& other) noexcept {
    std::swap(turn_, other.turn_);
    std::swap(id_, other.id_);
    return *this;
  }
  ~Reservation();

  Reservations::Id id() const noexcept { return id_; }
  /// Whether everybody who came before is done.
  bool may_start() const;
  /// Waits for that, at most until then.
  bool wait_to_start(std::chrono::steady_clock::time_point deadline) const;
  void extend(std::span<const Path> paths);

private:
  friend class CommitTurn;
  Reservation(CommitTurn& turn, Reservations::Id id) noexcept : turn_(&turn), id_(id) {}

  CommitTurn* turn_;
  Reservations::Id id_;
};

/// The one object that owns the state. Threads and the state owner's actor enter it alike, for one bounded batch:
/// no user code, no I/O and no wait happens inside, so holding the lock is short.
///
/// With a log, the head runs ahead of what is published: a commit is validated against the head, within the turn; then,
/// outside of it, the log keeps it; only then it is published, told and answered. When the log fails, the head falls
/// back to what is published, and everybody who stood on more is refused. See commit_turn_log.cpp.
///
/// Invariants: versions are dense (each commit is head + 1); what is published only moves forward; a listener hears of
/// a version after it can be read. Thread-safe.
class CommitTurn {
public:
  static constexpr std::size_t batch_max = 1024;
  /// How often somebody who waits for a reservation looks whether it has expired; a release wakes at once.
  static constexpr std::chrono::milliseconds expiry_look_interval{1};

  struct Terms {
    /// How many requests with an id are remembered.
    std::size_t requests_kept_max = 65'536;
    /// How long a commit waits while others have reserved its paths, before it is refused with `deadline`.
    std::chrono::milliseconds reserved_wait_max{5'000};
    /// Bytes kept for old snapshots beyond which commits are refused with `resource_exhausted`.
    std::size_t retained_bytes_max = std::size_t{1} << 30;
    std::shared_ptr<const AccessTable> access = AccessTable::standard();
    /// Where commits are kept; must outlive the turn. Nothing: nowhere.
    CommitLog* log = nullptr;
    /// Commits are published, told and answered before the log has them.
    bool publishes_before_logging = false;
    /// Commits that are published and not yet in the log: more wait until it has them.
    std::size_t unlogged_max = 65'536;
    std::size_t unlogged_bytes_max = std::size_t{64} << 20;
    /// Gets the writes of each commit while somebody follows; must outlive the turn. Nothing: nobody can.
    CommitFeed* feed = nullptr;
    /// Who decides on proposals in place of this turn, which then only follows; must outlive it.
    CommitDecider* elsewhere = nullptr;
  };

  /// The listener, if any, and the clock must outlive the turn.
  explicit CommitTurn(CommitListener* listener = nullptr, const Clock& clock = system_clock())
      : CommitTurn(listener, clock, Terms{}) {}
  CommitTurn(CommitListener* listener, const Clock& clock, const Terms& terms);
  ~CommitTurn();
  CommitTurn(const CommitTurn&) = delete;
  CommitTurn& operator=(const CommitTurn&) = delete;

  /// May wait, outside the turn, for reservations of others.
  Outcome commit(const ProposalView& proposal);

  /// Commits the proposals in order, each one on its own, under one turn. What must wait for a reservation gets no
  /// outcome yet: ask again. REQUIRES: both spans of one size.
  void commit(std::span<const ProposalView> proposals, std::span<std::optional<Outcome>> outcomes);

  /// As above, without waiting for the log: the batch is told when it has answered.
  void commit(const std::shared_ptr<ProposalBatch>& batch);

  /// Keeps the paths free for the holder's coming commits; nothing when too many want that.
  std::optional<Reservation> reserve(std::vector<Path> paths, std::chrono::nanoseconds lifetime);

  /// What became of a request that was committed, within the retention window. Refuses (bad_argument) an id that was
  /// used for something else.
  Result<std::optional<RequestLog::Outcome>> request_outcome(const Request& request) const;

  const std::shared_ptr<const AccessTable>& access() const noexcept { return terms_.access; }

  /// What is in force, or nothing.
  std::shared_ptr<const SchemaGuard> schema() const;
  /// Another number each time that this changes.
  std::uint64_t schema_changes() const noexcept { return schema_changes_.load(); }

  /// From now on commits are refused (closed) and watches are told so; reading goes on. What the log is to keep is
  /// kept before it returns. Errors: why some of it was not.
  Status close();

  /// Brings back what a log has kept: the state becomes that of `version`, which differs from the one before by these
  /// writes. REQUIRES: nobody else uses the turn; the version is newer. Errors: journal_corrupt when it cannot follow.
  Status restore(Version version, std::span<const Write> writes, const Request* request = nullptr);
  void restore_request(const Request& request, Version version);

  /// Makes the state that of `version`, as it was decided elsewhere, and tells watches and the listener: it differs by
  /// these writes from the one before. REQUIRES: the version is newer. Errors: journal_corrupt when it cannot follow.
  Status follow(Version version, std::span<const Write> writes);
  /// The state from which on the feed has every commit until it is left. REQUIRES: there is a feed.
  Snapshot join_feed();
  bool is_decided_elsewhere() const noexcept { return terms_.elsewhere != nullptr; }

  /// The newest version that the log keeps; without one, that is published.
  Version durable_version() const noexcept;
  /// Waits until the log keeps the version. Errors: timeout, closed, journal_failed, disk_full.
  Status wait_durable(Version version, std::chrono::steady_clock::time_point deadline) const;
  /// Leaves the entry to the log, which keeps it before any later commit; without a log it is told to the listener.
  void audit(AuditEntry entry);

  /// Rings the point for each commit that touches its paths. Refuses (resource_exhausted) too many.
  Status add_watch(std::shared_ptr<WatchPoint> point);
  void remove_watch(const WatchPoint& point) noexcept;

  /// Pins the published state; throws OverloadError when SnapshotPins::pins_max snapshots are held.
  Snapshot snapshot() const;
  /// As above, or nothing.
  std::optional<Snapshot> try_snapshot() const noexcept;
  Version version() const noexcept { return version_.load(std::memory_order_acquire); }

  /// Looks which old versions are held, and frees what only others needed.
  StateStatistics statistics() const;

private:
  friend class Reservation;

  class Logging;

  Status fits(const ProposalView& proposal) const;
  Status add_record(ProposalView& proposal, std::vector<std::byte>& record) const;
  Outcome commit_logged(ProposalView proposal);
  void publish(const Root* root) noexcept;
  void tell(Version version, const ProposalView& proposal) noexcept;
  void feed(Version version, std::span<const Write> writes) noexcept;
  Status advance(Version version, std::span<const Write> writes);
  std::unique_lock<std::mutex> enter() const;
  using Verdict = std::variant<Version, Conflict, Error>;

  Outcome told(Verdict&& verdict) const;
  // Compiled once without and once with a log: a turn that has none bears nothing of it.
  template <bool is_logged>
  Verdict commit_when_released(std::unique_lock<std::mutex>& lock, const ProposalView& proposal);
  template <bool is_logged>
  std::optional<Verdict> try_commit(const ProposalView& proposal);
  template <bool is_logged>
  Verdict commit_request(const ProposalView& proposal);
  template <bool is_logged>
  Verdict commit_now(const ProposalView& proposal);
  void decide_elsewhere(const std::shared_ptr<ProposalBatch>& batch);
  void look_at_memory();
  Status check_retained();

  StateMemory* const memory_;       // constant; lives on while snapshots do
  CommitListener* const listener_;  // constant
  const Clock& clock_;
  const Terms terms_;
  const Error out_of_memory_;  // made beforehand, when there still is memory for its text
  mutable std::mutex turn_;
  const Root* head_;                              // guarded by turn_
  WatchPoints watches_;                           // guarded by turn_
  RequestLog requests_;                           // guarded by turn_
  Reservations reservations_;                     // guarded by turn_
  bool may_retain_ = true;                        // guarded by turn_; what the last look said
  std::shared_ptr<const SchemaGuard> schema_;     // guarded by turn_
  std::atomic<std::uint64_t> schema_changes_{0};  // written under turn_
  std::atomic<bool> may_be_non_finite_{false};    // some schema allowed it once; written under turn_
  std::condition_variable released_;
  bool is_closed_ = false;                       // guarded by turn_
  alignas(64) std::atomic<Version> version_{0};  // of the published root; written under turn_
  std::unique_ptr<Logging> logging_;             // nothing: there is no log; constant until close()
};

}  // namespace theus
