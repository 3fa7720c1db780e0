#pragma once

#include <theus/diff.hpp>
#include <theus/heavy.hpp>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace theus {

/// Who answers at the other end.
struct EngineInfo {
  std::int64_t pid = 0;
  std::string program;
  std::string theus_version;
  std::chrono::milliseconds uptime{0};
  Version version = 0;  ///< of its state
};

/// What stood at a path, and the version at which it was read.
struct Reading {
  std::optional<Value> value;  ///< nothing when the path was absent
  Version version = 0;
};

/// What the versions after `since`, up to `version`, did to the watched paths: the first value of each place and its
/// last one. A value whose encoding has more than a megabyte comes as {"$omitted": bytes}.
struct Changes {
  Version since = 0;
  Version version = 0;
  Diff diff;
};

struct SetOptions {
  /// Refuse (version_mismatch) when the path changed after this version. Nothing: whatever stands there.
  std::optional<Version> expected{};
  /// Why; stands in the audit log of the engine. At most 1024 bytes. Empty: no entry.
  std::string reason{};
};

/// A signal that an engine told of, or a gap: when `missed` is not 0, so many, wanted or not, were overwritten before
/// they were told, and the rest is empty.
struct HeardSignal {
  std::uint64_t missed = 0;
  std::uint64_t sequence = 0;
  Version version = 0;  ///< of the commit that caused it; 0 when no commit did
  std::uint32_t index = 0;
  std::string name;
  /// {"$omitted": bytes} when its encoding has more than a megabyte, or cannot be sent.
  Value payload;
};

/// How often each name was heard during `elapsed`.
struct SignalCounts {
  std::chrono::microseconds elapsed{0};
  std::map<std::string, std::uint64_t> counts;
  std::uint64_t further = 0;  ///< of names beyond the first thousand
  std::uint64_t missed = 0;   ///< overwritten before they were counted, wanted or not
};

/// A buffer of an engine's heavy zone.
struct HeavyBufferInfo {
  enum class State : std::uint8_t {
    published,  ///< immutable
    in_place,   ///< can be written after its publication
    dirty,      ///< in place, and its last writer failed
    lent_only,  ///< nothing in the engine names it any more, but a process reads it
  };

  std::uint32_t block = 0;  ///< its number; used again after it
  std::uint32_t segment = 0;
  std::string owner;  ///< on whose account
  HeavyType type = HeavyType::u8;
  HeavyShape shape;
  std::uint64_t bytes = 0;
  State state = State::published;
  std::uint64_t holds = 0;   ///< Values, views and grants in the engine that keep it
  std::uint64_t leases = 0;  ///< of other processes
  /// Where the newest state names it, if that was asked for: so often, and the first of these places, eight at most.
  std::uint64_t places = 0;
  std::vector<std::string> paths{};
};

std::string_view to_string(HeavyBufferInfo::State state) noexcept;
/// The extents, as a list.
Value to_value(const HeavyShape& shape);

/// An engine's heavy zone.
struct HeavyReport {
  HeavyStatistics statistics{};
  std::vector<HeavyHolder> holders{};      ///< processes with leases, most bytes first
  std::vector<HeavyBufferInfo> buffers{};  ///< published ones, largest first
  std::uint64_t omitted = 0;               ///< buffers beyond as many as were asked for
  bool has_places = false;                 ///< the state was looked through for the buffers
};

struct HeavyQuery {
  std::chrono::milliseconds age_max{60'000};  ///< holders with older leases are marked
  std::size_t buffers_max = 1000;             ///< the largest ones, up to 10'000
  /// Look through the state for where it names the buffers. Costs the engine about as much as reading all of it, and is
  /// left out when that takes more than 64 MiB.
  bool wants_places = false;
};

struct ListenOptions {
  std::string filter = "**";  ///< as SubscribeOptions::filter
  std::uint64_t last = 0;     ///< begin with so many of those that are kept
};

/// Which engine is meant: the first of these that is given.
struct EngineSearch {
  std::string handle{};          ///< of Engine::attach_handle(), as given by the user; empty: not given
  std::string environment{};     ///< the value of $THEUS_HANDLE; empty: not set
  std::filesystem::path from{};  ///< where to look for a folder .theus, here and then in each parent; empty: here
};

/// The handle of a running engine. Errors: owner_down when there is none, with all that was looked at; join_refused
/// (reason "several", handles) when the folder tells of more than one.
Result<std::string> find_engine(const EngineSearch& search = {});

/// A running engine of another process of the same user on this host, as `theus state` sees it: read, set and watch,
/// but no part of its execution. Both sides prove that they know the engine's token.
///
/// Belongs to one thread, but for interrupt(). Every call ends within its time-out (`deadline`). Errors of all: those
/// of the engine; peer_down when it went away; cancelled after interrupt().
class AttachedEngine {
public:
  using Timeout = std::chrono::milliseconds;
  static constexpr Timeout default_timeout{10'000};

  /// Errors besides: owner_down when nobody listens there; join_refused (reason uid, token, version or full, ours,
  /// theirs); bad_argument when it is no handle.
  static Result<AttachedEngine> attach(std::string_view handle, Timeout timeout = default_timeout);
  AttachedEngine(AttachedEngine&&) noexcept;
  AttachedEngine& operator=(AttachedEngine&&) noexcept;
  ~AttachedEngine();

  Result<EngineInfo> info(Timeout timeout = default_timeout);

  /// Errors besides: too_large for more than 16 MiB; ask for a part of it then.
  Result<Reading> get(const Path& path, Timeout timeout = default_timeout);
  /// The version that holds the value.
  Result<Version> set(const Path& path, const Value& value, const SetOptions& options = {},
                      Timeout timeout = default_timeout);

  /// From now on next() tells of changes at and below the paths (1 to 64), after `since`: an earlier version than the
  /// current one is told as one change without values before it. An AttachedEngine watches once. Returns the version
  /// from which on it watches.
  Result<Version> watch(const std::vector<Path>& paths, std::optional<Version> since = std::nullopt,
                        Timeout timeout = default_timeout);
  /// The next changes. Errors besides: timeout, when there were none; owner_down, when the engine was shut
  /// down in an orderly way and all was told.
  Result<Changes> next(Timeout timeout);

  /// Sends a signal through the engine's hub, waiting for nobody; returns its sequence. Errors besides: overloaded by a
  /// rate limit or a full subscriber.
  Result<std::uint64_t> send_signal(std::string_view name, const Value& payload, Timeout timeout = default_timeout);
  /// From now on next_signals() tells of signals. An AttachedEngine either watches, listens or counts, once.
  Status listen(const ListenOptions& options = {}, Timeout timeout = default_timeout);
  /// The next signals, in order. Errors as next().
  Result<std::vector<HeardSignal>> next_signals(Timeout timeout);
  /// From now on next_counts() tells about ten times a second how many signals there were, also when there were none.
  /// The engine counts them itself, so that far more can be counted than listened to.
  Status count_signals(std::string_view filter = "**", Timeout timeout = default_timeout);
  Result<SignalCounts> next_counts(Timeout timeout);

  /// Lets the engine keep its current state for changes(); returns its version.
  Result<Version> mark(Timeout timeout = default_timeout);
  /// What changed at and below the paths since mark(). Errors besides: bad_argument without a mark;
  /// resource_exhausted when the marked state was given up because it kept too much of the engine's memory.
  Result<Changes> changes(const std::vector<Path>& paths, std::size_t entries_max, Timeout timeout = default_timeout);

  Result<HeavyReport> heavy_report(const HeavyQuery& query = {}, Timeout timeout = default_timeout);

  /// Ends a call that waits and all later ones with `cancelled`. From any thread; async-signal-safe.
  void interrupt() noexcept;

protected:
  class Link;
  explicit AttachedEngine(std::unique_ptr<Link> link) noexcept;

private:
  std::unique_ptr<Link> link_;
};

}  // namespace theus
