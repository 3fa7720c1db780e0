#include <theus/transaction.hpp>

#include "runtime/execution.hpp"
#include "runtime/snapshot_access.hpp"
#include "runtime/transaction_state.hpp"

namespace theus {
namespace {

Error over() { return Error{Errc::closed, "transaction", "it was committed or dropped", "Open another transaction"}; }

}  // namespace

Result<std::optional<Value>> Transaction::State::find(const Path& path) {
  if (auto allowed = transactor_.turn().access()->check_read(path, standing_); !allowed)
    return allowed.error();
  auto value = overlay_.find(path);
  if (value && !standing_.is_elevated && SnapshotAccess::has_private(overlay_.base()))
    value = without_private(path, *std::move(value));
  return value;
}

Status Transaction::State::elevate(std::string_view reason) {
  if (!transactor_.turn().access()->allows_admin())
    return Error{Errc::contract_violation, "transaction", "the engine was built without admin",
                 "Set EngineOptions::access.admin"}
        .with("rule", "capability")
        .with("right", "admin");
  if (reason.empty())
    return Error{Errc::bad_argument, "transaction", "admin was asked for without a reason", "Say why"};
  transactor_.trail().record({.kind = AuditEntry::Kind::elevation,
                              .who = "transaction",
                              .reason = std::string{reason},
                              .version = version(),
                              .time = transactor_.clock().wall()});
  standing_.is_elevated = true;
  return {};
}

Status Transaction::State::write(const Write& change) {
  if (auto allowed = transactor_.turn().access()->check(change, standing_); !allowed)
    return allowed;
  const AccessTable& access = *transactor_.turn().access();
  if (!access.brings_heavy(change)) [[likely]]
    return overlay_.write(change);
  std::size_t copied = 0;
  auto admitted = access.admit(change, copied);
  return admitted ? overlay_.write(*admitted) : Status{admitted.error()};
}

Status Transaction::State::emit(std::string_view signal, Value payload) {
  if (signals_.size() == signals_per_commit_max)
    return Error{Errc::too_large, "transaction",
                 "more than " + std::to_string(signals_per_commit_max) + " signals in one commit",
                 "Emit fewer signals with larger payloads"};
  signals_.push_back({std::string{signal}, std::move(payload)});
  return {};
}

Result<Version> Transaction::State::commit(const std::shared_ptr<const SchemaGuard>* schema) {
  const std::vector<Write> writes = overlay_.writes();  // may still mark paths as read
  const std::optional<Request> request = request_of(options_);
  touched_ = reads_.paths();
  for (const Write& write : writes)
    touched_.push_back(write.path);
  const AuditEntry edit{.kind = AuditEntry::Kind::edit,
                        .who = "transaction",
                        .reason = options_.reason,
                        .time = transactor_.clock().wall()};

  if (writes.empty() && signals_.empty() && !request && schema == nullptr)
    return version();
  return transactor_.turn().commit({.base = version(),
                                    .reads = reads_.paths(),
                                    .writes = writes,
                                    .signals = signals_,
                                    .standing = &standing_,
                                    .request = request ? &*request : nullptr,
                                    .reservation = reservation_,
                                    .schema = schema,
                                    .kind = kind_,
                                    .audit = options_.reason.empty() ? nullptr : &edit});
}

Status Transaction::admin(std::string_view reason) { return state_ ? state_->elevate(reason) : over(); }

Transaction::Transaction(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;
Transaction::~Transaction() = default;

Version Transaction::version() const noexcept { return state_ ? state_->version() : 0; }

Result<std::optional<Value>> Transaction::find(const Path& path) {
  return state_ ? state_->find(path) : Result<std::optional<Value>>{over()};
}

Status Transaction::write(const Write& change) { return state_ ? state_->write(change) : over(); }

Status Transaction::move(const Path& from, const Path& to) {
  auto value = get(from);
  if (!value)
    return value.error();
  if (auto erased = erase(from); !erased)
    return erased;
  return set(to, *std::move(value));
}

Status Transaction::emit(std::string_view signal, Value payload) {
  return state_ ? state_->emit(signal, std::move(payload)) : over();
}

Result<Version> Transaction::commit() {
  const auto state = std::move(state_);
  return state ? state->commit() : Result<Version>{over()};
}

void Transaction::drop() noexcept { state_.reset(); }

}  // namespace theus
