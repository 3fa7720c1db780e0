#pragma once

#include "runtime/access.hpp"
#include "runtime/cause.hpp"
#include "runtime/request_log.hpp"
#include "runtime/reservations.hpp"

#include <theus/audit_log.hpp>
#include <theus/signal.hpp>
#include <theus/version.hpp>
#include <theus/write.hpp>

#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace theus {

class SchemaGuard;

/// What a transaction asks the state to become: all of it or none. The views must outlive the commit call.
struct ProposalView {
  Version base = 0;                    ///< the snapshot it was made from
  bool strict = false;                 ///< refuse when anything at all changed since
  std::span<const Path> reads{};       ///< must not have changed since `base`
  std::span<const Write> writes{};     ///< applied in order; the paths of set, erase and splice count as read
  std::span<const Signal> signals{};   ///< published after the commit, in order
  const Standing* standing = nullptr;  ///< nothing: that of an ordinary caller
  const Request* request = nullptr;    ///< answered with its first outcome when it comes again
  Reservations::Id reservation = Reservations::nobody;  ///< the one that the proposal need not wait for
  /// Comes into force with the proposal, or nothing: that stays which is.
  const std::shared_ptr<const SchemaGuard>* schema = nullptr;
  const Cause* cause = nullptr;  ///< for the journal; nothing: one of this kind, with nothing to tell
  Cause::Kind kind = Cause::Kind::external;
  bool* is_recorded = nullptr;               ///< becomes true when the journal got a record of it
  const AuditEntry* audit = nullptr;         ///< goes into the audit log with the commit, as of its version
  std::vector<std::byte>* record = nullptr;  ///< within the turn: what the log will take, see commit_record.hpp
};

/// A proposal that owns what it asks for, to travel between actors.
struct Proposal {
  Version base = 0;
  bool strict = false;
  std::vector<Path> reads;
  std::vector<Write> writes;
  std::vector<Signal> signals;
  Standing standing{};
  std::optional<Request> request{};
  Reservations::Id reservation = Reservations::nobody;
  std::shared_ptr<const Cause> cause{};  // shared: a retry has another, a batch none
  std::shared_ptr<bool> is_recorded{};   // read after the answer: what changes nothing leaves no record

  ProposalView view() const noexcept {
    return {base,
            strict,
            reads,
            writes,
            signals,
            &standing,
            request ? &*request : nullptr,
            reservation,
            nullptr,
            cause.get(),
            Cause::Kind::external,
            is_recorded.get()};
  }
};

}  // namespace theus
