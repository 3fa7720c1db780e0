#pragma once

#include "runtime/audit_trail.hpp"
#include "runtime/commit_turn.hpp"

#include <theus/transaction.hpp>

#include <functional>

namespace theus {

/// Opens and runs the transactions of callers outside processes. Thread-safe.
class Transactor {
public:
  /// All three must outlive it.
  Transactor(CommitTurn& turn, AuditTrail& trail, const Clock& clock) noexcept
      : turn_(turn), trail_(trail), clock_(clock) {}

  /// The journal tells of which kind its commit is. Refuses (bad_argument) a request id that is too long. The
  /// transaction needs this transactor: `owner`, which it keeps alive, may be what holds it.
  Result<Transaction> open(TransactionOptions options, Cause::Kind kind, std::shared_ptr<const void> owner,
                           Reservations::Id reservation = Reservations::nobody);

  /// Calls the function on a new transaction and commits that, again after each conflict: with back-off, and from the
  /// third conflict on with its paths reserved. An error of the function ends it without a commit.
  /// A schema comes into force with the commit.
  Result<Version> run(const std::function<Status(Transaction&)>& body, const TransactionOptions& options,
                      Cause::Kind kind, const std::shared_ptr<const SchemaGuard>* schema = nullptr);

  CommitTurn& turn() const noexcept { return turn_; }
  AuditTrail& trail() const noexcept { return trail_; }
  const Clock& clock() const noexcept { return clock_; }

private:
  CommitTurn& turn_;
  AuditTrail& trail_;
  const Clock& clock_;
  std::atomic<std::uint64_t> next_run_{1};
};

/// As which a transaction is remembered, when its options say so. Its contents do not matter: a function may well want
/// something else on another snapshot.
std::optional<Request> request_of(const TransactionOptions& options);

/// Conflicts after which a transaction that is tried again gets its paths reserved.
inline constexpr int conflicts_before_reservation = 3;
/// How long a reservation keeps others out at most.
inline constexpr std::chrono::milliseconds reservation_lifetime_max{1000};

}  // namespace theus
