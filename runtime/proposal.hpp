#pragma once

#include "runtime/access.hpp"
#include "runtime/request_log.hpp"
#include "runtime/reservations.hpp"

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

  ProposalView view() const noexcept {
    return {base, strict, reads, writes, signals, &standing, request ? &*request : nullptr, reservation, nullptr};
  }
};

}  // namespace theus
