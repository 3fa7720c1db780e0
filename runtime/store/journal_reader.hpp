#pragma once

// What stands in a journal, as whoever reads it finds it: an engine that goes on, a replay, a command. Everything is
// checked against the chains on the way, so what a walk gives is what was written.

#include "runtime/commit_record.hpp"
#include "runtime/store/chain.hpp"
#include "runtime/store/mark.hpp"
#include "runtime/store/sqlite.hpp"

#include <theus/audit_log.hpp>

#include <filesystem>

namespace theus::store {

struct JournalHeader {
  std::string name;        ///< drawn at random when it was made; begins its chains
  std::uint64_t seed = 0;  ///< of the engine that made it
};

/// Nothing: there are no tables yet. Errors: journal_failed for another program's database, journal_version.
Result<std::optional<JournalHeader>> read_header(Database& database, const std::filesystem::path& path);

/// journal_corrupt, with version and path.
Error corrupt(const std::filesystem::path& path, Version version, std::string cause);

std::optional<Digest> digest_of(std::span<const std::byte> bytes);

struct KeptCommit {
  Version version = 0;
  Digest link;
  CommitRecord record;
};

/// The commits after a version, in order. Belongs to one thread, as do all walks; the database must outlive them.
class CommitWalk {
public:
  static Result<CommitWalk> after(Database& database, std::filesystem::path path, Version version, const Digest& link);

  /// Nothing at the end. Errors: journal_corrupt at the first one that is missing or not the one that was written.
  Result<std::optional<KeptCommit>> next();
  /// Of the last commit that it gave.
  Version version() const noexcept { return version_; }
  const Digest& link() const noexcept { return chain_->link(); }

private:
  CommitWalk(std::filesystem::path path, Statement rows, Version version, const Digest& link);

  std::filesystem::path path_;
  Statement rows_;
  Version version_;
  std::unique_ptr<Chain> chain_ = std::make_unique<Chain>();
  PathCache paths_;
};

struct Checkpoint {
  Version version = 0;
  Digest link;    ///< of that version's commit
  Digest digest;  ///< of the state
  std::vector<Write> values;
};

/// Their versions, ascending, the damaged ones among them.
Result<std::vector<Version>> checkpoint_versions(Database& database);
/// Nothing: it is not what it was made of.
Result<std::optional<Checkpoint>> read_checkpoint(Database& database, Version version);

/// The audit log from its first entry.
class AuditWalk {
public:
  static Result<AuditWalk> begin(Database& database, std::filesystem::path path, std::string_view journal_name);

  /// Nothing at the end. Errors: journal_corrupt with the field `sequence`, at the first entry that is missing or was
  /// altered.
  Result<std::optional<AuditEntry>> next();
  std::uint64_t sequence() const noexcept { return sequence_; }
  const Digest& link() const noexcept { return chain_->link(); }

private:
  AuditWalk(std::filesystem::path path, Statement rows, std::string_view journal_name);

  std::filesystem::path path_;
  Statement rows_;
  std::uint64_t sequence_ = 0;
  std::unique_ptr<Chain> chain_ = std::make_unique<Chain>();
};

/// The newest entries, oldest first, without a look at their chain.
Result<std::vector<AuditEntry>> newest_audit_entries(Database& database, std::size_t most);

/// Reads a journal without owning it, also while an engine writes it: all that it gives is of one moment, that of its
/// opening. Nothing is written but what SQLite keeps beside a database that is read. Belongs to one thread.
class JournalReader {
public:
  /// Errors: bad_input when there is no journal; journal_failed, journal_version, journal_corrupt.
  static Result<JournalReader> open(const std::filesystem::path& path);

  const std::filesystem::path& path() const noexcept { return path_; }
  const JournalHeader& header() const noexcept { return header_; }
  Database& database() noexcept { return database_; }
  /// Of its last commit; 0: there is none.
  Version newest() const noexcept { return newest_; }
  /// Of the first commit that is kept; 0: there is none.
  Version first() const noexcept { return first_; }
  /// What was known to be safe before it was opened; nothing: there is no mark.
  const std::optional<Mark>& mark() const noexcept { return mark_; }

private:
  JournalReader(std::filesystem::path path, Database database) noexcept
      : path_(std::move(path)), database_(std::move(database)) {}
  Status look();

  std::filesystem::path path_;
  Database database_;
  JournalHeader header_;
  std::optional<Mark> mark_;
  Version first_ = 0;
  Version newest_ = 0;
};

}  // namespace theus::store
