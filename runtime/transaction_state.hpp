#pragma once

#include "runtime/overlay.hpp"
#include "runtime/read_set.hpp"
#include "runtime/transactor.hpp"

namespace theus {

/// What stands behind an open Transaction.
class Transaction::State {
public:
  State(Transactor& transactor, std::shared_ptr<const void> owner, TransactionOptions options, Cause::Kind kind,
        Reservations::Id reservation)
      : owner_(std::move(owner)),
        transactor_(transactor),
        options_(std::move(options)),
        kind_(kind),
        reservation_(reservation),
        standing_{.grants = options_.grants},
        overlay_(transactor_.turn().snapshot(), [this](const Path& path) { reads_.add(path); }) {}

  Version version() const noexcept { return overlay_.base().version(); }
  Result<std::optional<Value>> find(const Path& path);
  Status elevate(std::string_view reason);
  Status write(const Write& change);
  Status emit(std::string_view signal, Value payload);
  /// Ends the transaction. What it depended on and wanted to change stays in touched_paths().
  Result<Version> commit(const std::shared_ptr<const SchemaGuard>* schema = nullptr);

  const std::vector<Path>& touched_paths() const noexcept { return touched_; }

private:
  const std::shared_ptr<const void> owner_;  // of the transactor; released last
  Transactor& transactor_;
  const TransactionOptions options_;
  const Cause::Kind kind_;
  const Reservations::Id reservation_;
  Standing standing_;
  ReadSet reads_;
  Overlay overlay_;
  std::vector<Signal> signals_;
  std::vector<Path> touched_;
};

}  // namespace theus
