#pragma once

#include "runtime/commit_log.hpp"
#include "runtime/store/audit_record.hpp"
#include "runtime/store/chain.hpp"
#include "runtime/store/checkpoint_proof.hpp"
#include "runtime/store/checkpoint_writer.hpp"
#include "runtime/store/journal_files.hpp"
#include "runtime/store/log_scan.hpp"
#include "runtime/store/mark.hpp"
#include "runtime/store/sqlite.hpp"

#include <theus/journal.hpp>
#include <theus/log.hpp>

namespace theus::store {

/// Pages in the write-ahead log from which on they are moved into the main file.
struct LogPages {
  int wanted = 1000;  ///< when nothing else is to do
  int most = 4000;    ///< at any rate; room for about as many is reserved
};

/// The journal of one engine while it is open: takes batches of commits, makes checkpoints, writes the mark.
///
/// A batch is one transaction of SQLite. The mark is written, when everything it tells is safe, whenever the
/// write-ahead log was moved into the main file and at the end. All members are called by one thread at a time:
/// recover() first, then those of CommitLog by whoever writes, then close().
class Journal final : public CommitLog {
public:
  struct Terms {
    JournalOptions options{};
    std::uint64_t seed = 0;  ///< of a new journal
    LogSink log{};           ///< told of what is unusual
    LogPages log_pages{};
  };

  /// Claims the files and makes the tables when they are not there. Errors: journal_in_use, journal_version,
  /// journal_corrupt, journal_failed, disk_full.
  static Result<std::unique_ptr<Journal>> open(Terms terms);
  ~Journal() override;

  /// Hands out the state, as it was kept, to an empty turn. Errors: journal_corrupt, and whatever reading gives.
  Result<Recovery> recover(class CommitTurn& turn);
  /// From where checkpoints are taken; nothing: there are none.
  void take_checkpoints_of(std::function<std::optional<Snapshot>()> state) { state_ = std::move(state); }
  /// The newest entries of the audit log, oldest first.
  Result<std::vector<AuditEntry>> audit_entries(std::size_t most);
  /// Of the engine that made the journal.
  std::uint64_t seed() const noexcept { return seed_; }
  const std::filesystem::path& path() const noexcept { return files_.path(); }
  /// Drawn at random when the journal was made; empty after close().
  const std::string& name() const noexcept { return name_; }

  Status append(std::span<LoggedCommit* const> batch) override;
  bool tidy() override;

  /// Writes the mark. Nothing is written after a failure.
  Status close();

private:
  Journal(Terms terms, JournalFiles files, LogScan log, Database database, MarkFile mark);

  Status prepare_transactions();
  Status make_tables();
  Status read_header();
  Status prepare_all(std::initializer_list<std::pair<Statement*, std::string_view>> wanted);
  Status prepare();
  Status secure();
  Status set_durability();
  Status reserve_log();
  Result<Version> restore_checkpoint(CommitTurn& turn, Recovery& found);
  Status replay_commits(CommitTurn& turn, Recovery& found);
  Status restore_requests(CommitTurn& turn, Version up_to, Recovery& found);
  Status end_of_audit();
  Status check_mark(const Recovery& found);

  Status insert(std::span<LoggedCommit* const> batch);
  Status insert(LoggedCommit& commit);
  Status insert(AuditEntry& entry);
  Status insert_piece();
  Status end_checkpoint();
  Status drop_old_history();
  Status in_transaction(const std::function<Status()>& body);
  Status move_log();
  void begin_checkpoint_if_due();
  void warn(LogLevel level, std::string text, Value fields) const;
  void warn_of_size();

  const Terms terms_;
  const JournalFiles files_;
  Database database_;
  MarkFile mark_file_;
  const LogScan log_;
  std::string name_;
  std::uint64_t seed_ = 0;
  std::function<std::optional<Snapshot>()> state_;

  // The ends of what is kept.
  Version version_ = 0;
  Chain commits_;
  std::uint64_t audit_sequence_ = 0;
  Chain audit_;
  std::optional<Error> failure_;  // after which nothing is written

  Statement begin_;
  Statement commit_;
  Statement insert_commit_;
  Statement insert_request_;
  Statement insert_audit_;
  Statement insert_part_;

  Version last_checkpoint_ = 0;
  std::uint64_t bytes_warned_ = 0;
  std::optional<CheckpointWriter> checkpoint_;
  Chain checkpoint_proof_;
  std::uint64_t checkpoint_parts_ = 0;
};

}  // namespace theus::store
