#pragma once

#include <theus/engine.hpp>

#include <map>

namespace theus {

// Reading a journal without owning it: no function here writes, and an engine may use the journal meanwhile; what it
// commits after the beginning of a call is not seen. All of them may throw bad_alloc and are thread-safe.

/// What a journal has kept.
struct JournalExtent {
  Version first = 0;   ///< the oldest version that state_at() can tell; 0: from the beginning
  Version newest = 0;  ///< the last commit
};

/// Errors, here and below: bad_input when there is no journal, journal_failed, journal_version, journal_corrupt.
Result<JournalExtent> journal_extent(const std::filesystem::path& journal);

/// The state at a version: the nearest sound checkpoint and the commits from there on. It belongs to no engine.
/// Errors: bad_argument for a version that is still to come, not_replayable for one whose history was dropped.
Result<Snapshot> state_at(const std::filesystem::path& journal, Version version);

struct ReplayOptions {
  /// Where to stop; nothing: at the newest commit.
  std::optional<Version> to{};
  /// Begin at the nearest checkpoint instead of the oldest: faster, but what comes before is not checked.
  bool from_nearest = false;
  /// Registers the processes, agents and cohorts that were at work, as a module does. With it their bodies are run
  /// again and what they want is compared with what was committed; without it commits are only applied.
  ///
  /// The engine is one of the replay's own, in memory: agents and cohorts that are spawned in it are told from their
  /// definitions only and do not act; what else is done to it has no effect.
  std::function<Status(Engine&)> definitions{};
  /// Those of the engine that wrote the journal: they decide what bodies may do.
  AccessOptions access{};
  /// Where ctx.log() goes when bodies run again; nothing: nowhere.
  LogSink log{};
  /// Told of each version, in order. With `definitions` the state is that which the bodies made again.
  std::function<void(const Snapshot&)> on_version{};
};

struct ReplayReport {
  Version from = 0;               ///< where it began: at a checkpoint when history was dropped, else at 0
  Version version = 0;            ///< where it ended
  std::uint64_t commits = 0;      ///< that were applied
  std::uint64_t checkpoints = 0;  ///< whose digest is that of the state
  std::uint64_t runs = 0;         ///< bodies that were run again
  /// Commits by what they were caused by: "process", "round", "external", ...
  std::map<std::string, std::uint64_t> causes{};
  Digest digest{};  ///< of the state at the end
};

/// Rebuilds the state from the oldest version that is kept, and checks on the way that the chain of records is whole,
/// that what was known to be safe is there, and that the state has the recorded digest at each checkpoint.
///
/// With definitions the bodies run again on the state, the arguments, the random numbers and the time that they had.
/// Processes, rounds, agents that act on their own and steps of cohorts are run; swaps, transactions, inputs and what
/// workflows set are taken as recorded, for nothing but the record tells them.
///
/// Errors besides those above: replay_diverged with the fields version, process and diff (a list of maps of kind, path,
/// before: as committed, after: as wanted now) at the first commit that comes out differently; not_replayable with
/// version and process when a body is not there, needs heavy data, or needs a private state that cannot be known.
Result<ReplayReport> replay(const std::filesystem::path& journal, const ReplayOptions& options = {});

/// What the verification of an audit log found.
struct AuditLogReport {
  std::uint64_t entries = 0;
  Digest link{};  ///< of the last entry: two logs with the same link are the same
};

/// Checks the hash chain of the audit log, and that the entries known to be safe are there. Errors besides those above:
/// journal_corrupt with the field `sequence` of the first entry that is missing or was altered.
Result<AuditLogReport> verify_audit_log(const std::filesystem::path& journal);

/// The newest entries of the audit log, oldest first.
Result<std::vector<AuditEntry>> audit_log_of(const std::filesystem::path& journal, std::size_t most = 1000);

}  // namespace theus
