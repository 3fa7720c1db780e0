#pragma once

#include "runtime/attach/follower.hpp"
#include "runtime/attach/heavy_guest.hpp"
#include "runtime/attach/lending.hpp"
#include "runtime/attach/signal_stream.hpp"

namespace theus {

class SchemaGuard;

/// What requests may ask of an engine. Called by one thread.
class AttachTarget {
public:
  virtual ~AttachTarget() = default;
  virtual EngineInfo info() const = 0;
  virtual Version version() const noexcept = 0;
  /// Throws OverloadError when too many snapshots are held.
  virtual Snapshot state() const = 0;
  /// Whether old snapshots keep so much memory that clients must give theirs up.
  virtual bool is_short_of_memory() const = 0;
  virtual Result<Version> set(const Path& path, const Value& value, const SetOptions& options) = 0;
  /// Waits for nobody.
  virtual Result<std::uint64_t> send_signal(std::string_view name, const Value& payload) = 0;
  virtual Result<SignalReceiver> listen(const ListenOptions& options) = 0;
  /// What the state must fit, or nothing: tells what is secret.
  virtual std::shared_ptr<const SchemaGuard> schema() const { return nullptr; }
  /// The heavy zone.
  virtual HeavyReport heavy(const HeavyQuery&) { return {}; }
  /// A heavy buffer for somebody who cannot map it. Refuses what HeavyZone::view() refuses, and buffers in place.
  virtual Result<LentBuffer> lend(const HeavyRef&) {
    return Error{Errc::unsupported, "attach", "this engine lends no heavy buffers"};
  }
  /// nullptr: nobody can follow its state.
  virtual const FollowTerms* follow_terms() const { return nullptr; }
};

/// Tells one client of the changes of some paths. Holds the state that was told last, and takes a newer one whenever
/// it looks, so that it never keeps old states alive.
class ChangeFeed {
public:
  ChangeFeed(std::vector<Path> paths, std::optional<Version> since, Snapshot now);

  /// Whether a look may find something.
  bool is_behind(const AttachTarget& target) const noexcept { return since_ || target.version() != told_.version(); }
  /// The message about what changed since the last look, if anything did.
  std::optional<Value> look(const AttachTarget& target);

private:
  std::optional<Value> earlier_changes(const AttachTarget& target);

  const std::vector<Path> paths_;
  std::optional<Version> since_;  // earlier than told_, and not told yet
  Snapshot told_;
};

/// What one client asked the engine to keep for it.
struct AttachedClient {
  std::optional<ChangeFeed> feed;
  std::optional<SignalStream> stream;
  std::optional<Snapshot> mark;
  bool lost_mark = false;  // it was given up
  HeavyInvitation invite;  // empty: it is not on this host, and can join no heavy zone
  std::unique_ptr<HeavyGuest> guest;
  std::optional<Lending> lending;      // what it fetches
  Lending::Time now{};                 // when the request came
  std::unique_ptr<Follower> follower;  // from its request on, all that comes is meant for it
  std::vector<Descriptor> passed;      // what goes with the answer
};

/// One row of the table of requests.
struct AttachRequest {
  std::string_view name;
  /// The fields it may have besides id and do.
  std::vector<std::string_view> fields;
  Result<Value> (*answer)(AttachTarget& target, AttachedClient& client, const Value& request);
};

/// All requests: info, get, set, watch, mark, changes, signal, listen, count, heavy, join, segment, lend, fetch,
/// give_back, follow.
std::span<const AttachRequest> attach_requests();

/// The answer to a request, as it is sent. Nothing when what came is no request at all.
std::optional<Value> answer_request(AttachTarget& target, AttachedClient& client, const Value& request);

}  // namespace theus
