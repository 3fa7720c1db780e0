#include "runtime/transactor.hpp"

#include "runtime/backoff.hpp"
#include "runtime/transaction_state.hpp"

#include <thread>

namespace theus {

std::optional<Request> request_of(const TransactionOptions& options) {
  if (options.request_id.empty())
    return std::nullopt;
  return Request{options.request_id, fingerprint_of("transaction", {})};
}

Result<Transaction> Transactor::open(TransactionOptions options, Cause::Kind kind, std::shared_ptr<const void> owner,
                                     Reservations::Id reservation) {
  if (auto fit = check_request_id(options.request_id); !fit)
    return fit.error();
  return Transaction{
      std::make_unique<Transaction::State>(*this, std::move(owner), std::move(options), kind, reservation)};
}

Result<Version> Transactor::run(const std::function<Status(Transaction&)>& body, const TransactionOptions& options,
                                Cause::Kind kind, const std::shared_ptr<const SchemaGuard>* schema) {
  const std::uint64_t seed = next_run_.fetch_add(1);
  const auto deadline = clock_.now() + options.timeout;
  std::optional<Reservation> reservation;
  if (const auto request = request_of(options)) {
    const auto first = turn_.request_outcome(*request);
    if (!first)
      return first.error();
    if (*first)
      return (*first)->version;
  }
  for (int attempt = 1;; ++attempt) {
    auto transaction = open(options, kind, nullptr, reservation ? reservation->id() : Reservations::nobody);
    if (!transaction)
      return transaction.error();
    if (auto done = body(*transaction); !done)
      return done.error();
    const auto state = std::move(transaction->state_);
    if (state == nullptr)
      return Error{Errc::bad_argument, "transaction", "its function committed or dropped it",
                   "Return a Status from the function; the transaction is then committed, or dropped on an error"};
    auto outcome = state->commit(schema);
    if (outcome || outcome.error().code() != Errc::version_mismatch || attempt >= options.attempts_max ||
        clock_.now() >= deadline)
      return outcome;

    if (reservation)
      reservation->extend(state->touched_paths());
    else if (attempt >= conflicts_before_reservation)
      reservation = turn_.reserve(state->touched_paths(), reservation_lifetime_max);
    if (reservation)
      reservation->wait_to_start(deadline);
    else if (const auto wait = backoff(attempt + 1, seed); wait.count() == 0)
      std::this_thread::yield();
    else
      std::this_thread::sleep_for(wait);
  }
}

}  // namespace theus
