#include "runtime/cbor.hpp"
#include "runtime/commit_turn.hpp"
#include "runtime/store/journal.hpp"
#include "runtime/store/journal_reader.hpp"
#include "runtime/store/journal_tables.hpp"
#include "runtime/store/log_scan.hpp"

#include <sys/random.h>

#include <csignal>

namespace theus::store {
namespace {

constexpr std::chrono::seconds progress_interval{1};

std::string drawn_name() {
  constexpr std::size_t digits = 32;
  Digest drawn;
  if (::getrandom(drawn.bytes.data(), drawn.bytes.size(), 0) != static_cast<ssize_t>(drawn.bytes.size()))
    raise(Error{Errc::internal, "getrandom", "the kernel gave no random bytes"});
  return drawn.text().substr(0, digits);
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(Terms terms) {
  // A write beyond the limit on file sizes is to fail, not to kill.
  std::signal(SIGXFSZ, SIG_IGN);
  const JournalOptions& options = terms.options;
  if (options.checkpoint_interval == 0)
    return Error{Errc::bad_argument, "JournalOptions::checkpoint_interval", "it is 0", "Give 1 or more commits"};
  const char* const layer = options.file_layer.empty() ? nullptr : options.file_layer.c_str();
  auto files = JournalFiles::claim(options.path);
  if (!files)
    return files.error();
  auto mark = MarkFile::open(JournalFiles::mark_of(files->path()), layer);
  if (!mark)
    return mark.error();
  // Before SQLite sees it: it would begin the log anew behind the last whole commit.
  const auto log = scan_log(JournalFiles::log_of(files->path()));
  if (!log)
    return log.error();
  auto database = Database::open(files->path().string(), {.vfs = layer});
  if (!database)
    return database.error();
  std::unique_ptr<Journal> journal{
      new Journal{std::move(terms), *std::move(files), *log, *std::move(database), *std::move(mark)}};
  for (const auto step : {&Journal::prepare_transactions, &Journal::read_header, &Journal::secure,
                          &Journal::set_durability, &Journal::reserve_log, &Journal::prepare})
    if (auto done = ((*journal).*step)(); !done)
      return done.error();
  return journal;
}

Status Journal::read_header() {
  auto header = store::read_header(database_, files_.path());
  if (!header)
    return header.error();
  if (!*header)
    return make_tables();
  name_ = std::move((*header)->name);
  seed_ = (*header)->seed;
  return {};
}

Status Journal::make_tables() {
  name_ = drawn_name();
  seed_ = terms_.seed;
  const std::string header = "PRAGMA application_id = " + std::to_string(application_id) +
                             "; PRAGMA user_version = " + std::to_string(format_version) +
                             "; INSERT INTO journal VALUES ('name', '" + name_ + "'), ('seed', '" +
                             std::to_string(seed_) + "')";
  const std::string layout = "PRAGMA page_size = " + std::to_string(page_bytes) + "; PRAGMA journal_mode = WAL";
  if (auto wal = database_.run(layout.c_str()); !wal)
    return wal;
  return in_transaction([&]() -> Status {
    auto made = database_.run(tables);
    return made ? database_.run(header.c_str()) : made;
  });
}

/// What is found is told to be there: from now on it must outlive a power cut.
Status Journal::secure() {
  return log_.committed == 0 ? Status{} : in_transaction([&] { return database_.secure_log(log_.committed_bytes); });
}

Status Journal::set_durability() {
  if (auto set = database_.run("PRAGMA journal_mode = WAL"); !set)
    return set;
  return database_.run(terms_.options.level == Durability::os ? "PRAGMA synchronous = NORMAL"
                                                              : "PRAGMA synchronous = FULL");
}

Status Journal::reserve_log() {
  const auto bytes = database_.number("PRAGMA page_size");
  if (!bytes)
    return bytes.error();
  files_.reserve_log(log_bytes(static_cast<std::size_t>(terms_.log_pages.most), static_cast<std::size_t>(*bytes)));
  return {};
}

Status Journal::prepare_all(std::initializer_list<std::pair<Statement*, std::string_view>> wanted) {
  for (const auto& [statement, sql] : wanted) {
    auto prepared = database_.prepare(sql);
    if (!prepared)
      return prepared.error();
    *statement = *std::move(prepared);
  }
  return {};
}

Status Journal::prepare_transactions() { return prepare_all({{&begin_, "BEGIN IMMEDIATE"}, {&commit_, "COMMIT"}}); }

Status Journal::prepare() {
  return prepare_all({
      {&insert_commit_, "INSERT INTO commits VALUES (?, ?, ?)"},
      {&insert_request_, "INSERT INTO requests VALUES (?, ?, ?, ?)"},
      {&insert_audit_, "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)"},
      {&insert_part_, "INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)"},
  });
}

Result<Recovery> Journal::recover(CommitTurn& turn) {
  const auto begun = std::chrono::steady_clock::now();
  Recovery found;
  const auto checkpoint = restore_checkpoint(turn, found);
  if (!checkpoint)
    return checkpoint.error();
  found.checkpoint = last_checkpoint_ = *checkpoint;
  if (auto restored = restore_requests(turn, *checkpoint, found); !restored)
    return restored.error();
  if (auto replayed = replay_commits(turn, found); !replayed)
    return replayed.error();
  if (auto audited = end_of_audit(); !audited)
    return audited.error();
  found.version = version_;
  found.audit_entries = audit_sequence_;
  found.pages_cut = log_.cut;
  found.pages_lost = log_.sound_after_damage;
  if (auto sound = check_mark(found); !sound)
    return sound.error();
  found.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
  return found;
}

/// The newest checkpoint that is what it was made of; 0: there is none.
Result<Version> Journal::restore_checkpoint(CommitTurn& turn, Recovery& found) {
  commits_.start_at(Chain::first(name_));
  const auto versions = checkpoint_versions(database_);
  if (!versions)
    return versions.error();
  for (auto version = versions->rbegin(); version != versions->rend(); ++version) {
    const auto checkpoint = read_checkpoint(database_, *version);
    if (!checkpoint)
      return checkpoint.error();
    if (!*checkpoint) {
      ++found.checkpoints_refused;
      warn(LogLevel::warning, "a checkpoint is damaged and was passed over", {{"version", *version}});
      continue;
    }
    if (auto restored = turn.restore(*version, (*checkpoint)->values); !restored)
      return restored.error();
    version_ = *version;
    commits_.start_at((*checkpoint)->link);
    return version_;
  }
  return Version{0};
}

Status Journal::restore_requests(CommitTurn& turn, Version up_to, Recovery& found) {
  auto rows =
      database_.prepare("SELECT version, id, fingerprint, value FROM requests WHERE version <= ? ORDER BY version");
  if (!rows)
    return rows.error();
  rows->bind(1, up_to);
  for (;;) {
    const auto row = rows->step();
    if (!row || !*row)
      return row ? Status{} : Status{row.error()};
    const auto version = static_cast<Version>(rows->number(0));
    auto value = from_cbor(rows->bytes(3));
    if (!value)
      return corrupt(files_.path(), version, "the value of a request cannot be read");
    turn.restore_request({std::string{rows->text(1)}, static_cast<std::uint64_t>(rows->number(2)), *std::move(value)},
                         version);
    ++found.requests;
  }
}

Status Journal::replay_commits(CommitTurn& turn, Recovery& found) {
  const auto newest = database_.number("SELECT max(version) FROM commits");
  auto walk = CommitWalk::after(database_, files_.path(), version_, commits_.link());
  if (!walk || !newest)
    return walk ? newest.error() : walk.error();
  auto told = std::chrono::steady_clock::now();
  for (;;) {
    const auto commit = walk->next();
    if (!commit)
      return commit.error();
    if (!*commit)
      return {};
    const auto& [version, link, record] = **commit;
    if (auto restored = turn.restore(version, record.writes, record.request ? &*record.request : nullptr); !restored)
      return corrupt(files_.path(), version, restored.error().cause());
    version_ = version;
    commits_.start_at(link);
    ++found.commits;
    found.requests += record.request ? 1 : 0;
    if (found.commits % 65'536 == 0 && std::chrono::steady_clock::now() - told > progress_interval) {
      told = std::chrono::steady_clock::now();
      warn(LogLevel::info, "recovering", {{"version", version}, {"of", *newest}});
    }
  }
}

Status Journal::end_of_audit() {
  auto last = database_.prepare("SELECT sequence, link FROM audit ORDER BY sequence DESC LIMIT 1");
  if (!last)
    return last.error();
  const auto row = last->step();
  if (!row)
    return row.error();
  audit_.start_at(Chain::first(name_));
  if (!*row)
    return {};
  const auto link = digest_of(last->bytes(1));
  if (!link)
    return corrupt(files_.path(), version_, "the audit log is damaged");
  audit_sequence_ = static_cast<std::uint64_t>(last->number(0));
  audit_.start_at(*link);
  return {};
}

/// What was safe once must be there.
Status Journal::check_mark(const Recovery& found) {
  const auto mark = mark_file_.read();
  if (!mark)
    return mark.error();
  if (!*mark) {
    if (version_ > 0)
      warn(LogLevel::warning, "the journal has no mark: it cannot be told whether its end is whole",
           {{"file", JournalFiles::mark_of(files_.path()).string()}});
    return {};
  }
  const Mark& safe = **mark;
  const auto lost = [&](std::string what) {
    return corrupt(files_.path(), safe.version, std::move(what)).with("pages_lost", found.pages_lost);
  };
  if (safe.version > version_)
    return lost("this version was safe, but the journal ends with version " + std::to_string(version_));
  if (safe.audit > audit_sequence_)
    return lost("entry " + std::to_string(safe.audit) + " of the audit log was safe, but it ends with entry " +
                std::to_string(audit_sequence_));
  auto row = database_.prepare("SELECT link FROM commits WHERE version = ?");
  if (!row)
    return row.error();
  row->bind(1, safe.version);
  const auto there = row->step();
  if (!there)
    return there.error();
  if (*there && digest_of(row->bytes(0)) != safe.link)
    return lost("this version is not the one that was safe");
  return {};
}

Result<std::vector<AuditEntry>> Journal::audit_entries(std::size_t most) {
  return newest_audit_entries(database_, most);
}

}  // namespace theus::store
