#include "runtime/store/journal.hpp"

#include "runtime/cbor.hpp"
#include "runtime/store/journal_tables.hpp"

#include <algorithm>

namespace theus {

std::string_view to_string(Durability level) noexcept {
  switch (level) {
    case Durability::disk: return "disk";
    case Durability::os: return "os";
    case Durability::disk_async: return "disk_async";
  }
  return "unknown";
}

}  // namespace theus

namespace theus::store {
namespace {

constexpr std::chrono::milliseconds piece_wait{1};
constexpr std::uint64_t requests_kept_max = 65'536;
constexpr std::uint64_t rows_dropped_at_once = 10'000;

std::int64_t nanoseconds_of(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

/// Whether nothing may be written after it.
bool is_final(const Error& error) {
  return error.code() == Errc::journal_failed || error.code() == Errc::journal_corrupt;
}

}  // namespace

Journal::Journal(Terms terms, JournalFiles files, LogScan log, Database database, MarkFile mark)
    : terms_(std::move(terms)),
      files_(std::move(files)),
      database_(std::move(database)),
      mark_file_(std::move(mark)),
      log_(log),
      bytes_warned_(terms_.options.bytes_expected) {}

Journal::~Journal() { (void)close(); }

Status Journal::in_transaction(const std::function<Status()>& body) {
  Status done = begin_.run();
  if (done)
    done = body();
  if (done)
    done = commit_.run();
  if (done)
    return {};
  if (is_final(done.error()))
    failure_ = done.error();
  if (database_.is_in_transaction())
    (void)database_.run("ROLLBACK");
  return done;
}

Status Journal::append(std::span<LoggedCommit* const> batch) {
  if (failure_)
    return *failure_;
  if (auto in_place = files_.check_in_place(); !in_place) {
    failure_ = in_place.error();
    return in_place;
  }
  const Version version = version_;
  const Digest link = commits_.link();
  const std::uint64_t audit_sequence = audit_sequence_;
  const Digest audit_link = audit_.link();
  auto written = in_transaction([&] { return insert(batch); });
  if (!written) {
    version_ = version;
    commits_.start_at(link);
    audit_sequence_ = audit_sequence;
    audit_.start_at(audit_link);
    return written;
  }
  if (terms_.options.on_durable && version_ > version)
    terms_.options.on_durable(version_);
  if (checkpoint_ && !failure_)
    (void)insert_piece();
  begin_checkpoint_if_due();
  if (database_.log_pages() > terms_.log_pages.most)
    (void)move_log();
  return {};
}

Status Journal::insert(std::span<LoggedCommit* const> batch) {
  for (LoggedCommit* commit : batch)
    if (auto inserted = insert(*commit); !inserted)
      return inserted;
  return {};
}

Status Journal::insert(LoggedCommit& commit) {
  if (commit.version != 0) {
    const Digest& link = commits_.add(commit.version, commit.record);
    version_ = commit.version;
    insert_commit_.bind(1, commit.version);
    insert_commit_.bind(2, std::span<const std::byte>{commit.record});
    insert_commit_.bind(3, std::span<const std::byte>{link.bytes});
    if (auto inserted = insert_commit_.run(); !inserted)
      return inserted;
  }
  if (commit.request) {
    const std::vector<std::byte> value = to_cbor(commit.request->value);
    insert_request_.bind(1, commit.version);
    insert_request_.bind(2, std::string_view{commit.request->id});
    insert_request_.bind(3, commit.request->fingerprint);
    insert_request_.bind(4, std::span<const std::byte>{value});
    if (auto inserted = insert_request_.run(); !inserted)
      return inserted;
  }
  return commit.audit ? insert(*commit.audit) : Status{};
}

Status Journal::insert(AuditEntry& entry) {
  entry.sequence = ++audit_sequence_;
  const Digest& link = audit_.add(entry.sequence, audit_record(entry));
  insert_audit_.bind(1, entry.sequence);
  insert_audit_.bind(2, to_string(entry.kind));
  insert_audit_.bind(3, std::string_view{entry.who});
  insert_audit_.bind(4, std::string_view{entry.reason});
  insert_audit_.bind(5, entry.version);
  insert_audit_.bind(6, nanoseconds_of(entry.time));
  insert_audit_.bind(7, std::span<const std::byte>{link.bytes});
  return insert_audit_.run();
}

bool Journal::tidy() {
  if (failure_)
    return false;
  begin_checkpoint_if_due();
  if (checkpoint_) {
    if (!checkpoint_->await_piece(piece_wait))
      return true;
    if (checkpoint_->is_finished() && checkpoint_->version() > version_)
      return false;  // the commits that it stands on come first
    return insert_piece() && checkpoint_.has_value();
  }
  if (database_.log_pages() > terms_.log_pages.wanted)
    (void)move_log();
  return false;
}

Status Journal::move_log() {
  const auto left = database_.move_log();
  if (!left) {
    if (is_final(left.error()))
      failure_ = left.error();
    return left.error();
  }
  // Another program that reads the file may hold moving up. Then the log is not even synced.
  if (*left > 0 && terms_.options.level == Durability::os)
    return {};
  auto written = mark_file_.write({version_, commits_.link(), audit_sequence_, audit_.link()});
  if (!written && is_final(written.error()))
    failure_ = written.error();
  return written;
}

void Journal::begin_checkpoint_if_due() {
  if (checkpoint_ || !state_ || version_ < last_checkpoint_ + terms_.options.checkpoint_interval)
    return;
  auto state = state_();
  if (!state || state->version() <= last_checkpoint_)
    return;
  checkpoint_.emplace(*std::move(state));
  checkpoint_proof_.start_at(Digest{});
  checkpoint_parts_ = 0;
}

/// What is ready of the checkpoint, or its end. A failure gives the checkpoint up, not the journal, unless it is final.
Status Journal::insert_piece() {
  if (checkpoint_->is_abandoned()) {
    last_checkpoint_ = version_;  // and tries again an interval later
    checkpoint_.reset();
    return {};
  }
  if (checkpoint_->is_finished())
    return checkpoint_->version() <= version_ ? end_checkpoint() : Status{};
  const auto piece = checkpoint_->take();
  if (!piece)
    return {};
  auto inserted = in_transaction([&]() -> Status {
    if (checkpoint_parts_ == 0) {
      auto stale = database_.prepare("DELETE FROM parts WHERE checkpoint NOT IN (SELECT version FROM checkpoints)");
      if (auto dropped = stale ? stale->run() : Status{stale.error()}; !dropped)
        return dropped;
    }
    for (const CheckpointWriter::Part& part : *piece) {
      insert_part_.bind(1, checkpoint_->version());
      insert_part_.bind(2, checkpoint_parts_);
      insert_part_.bind(3, std::string_view{part.path});
      insert_part_.bind(4, std::span<const std::byte>{part.value});
      if (auto done = insert_part_.run(); !done)
        return done;
      checkpoint_proof_.add(checkpoint_parts_++, checkpoint_proof_record(part.path, part.value));
    }
    return {};
  });
  if (!inserted) {
    last_checkpoint_ = version_;
    checkpoint_.reset();
  }
  return inserted;
}

Status Journal::end_checkpoint() {
  const Version version = checkpoint_->version();
  const Digest digest = checkpoint_->digest();
  checkpoint_.reset();
  last_checkpoint_ = version;
  auto ended = in_transaction([&]() -> Status {
    auto insert =
        database_.prepare("INSERT INTO checkpoints SELECT version, ?2, link, ?3, ?4 FROM commits WHERE version = ?1");
    if (!insert)
      return insert.error();
    insert->bind(1, version);
    insert->bind(2, checkpoint_parts_);
    insert->bind(3, std::span<const std::byte>{checkpoint_proof_.link().bytes});
    insert->bind(4, std::span<const std::byte>{digest.bytes});
    return insert->run();
  });
  if (ended)
    ended = drop_old_history();
  warn_of_size();
  return ended;
}

/// Keeps the two newest checkpoints, should one be damaged, with all commits from the older one on, and what the wanted
/// history needs.
Status Journal::drop_old_history() {
  const std::uint64_t wanted = terms_.options.history_min;
  const std::string bound = std::to_string(wanted > 0 && version_ > wanted ? version_ - wanted : 0);
  const std::string newest_two = "(SELECT version FROM checkpoints ORDER BY version DESC LIMIT 2)";
  const auto of_history = database_.number("SELECT max(version) FROM checkpoints WHERE version <= " + bound);
  const auto of_newest = database_.number("SELECT min(version) FROM " + newest_two);
  if (!of_history || !of_newest)
    return of_history ? of_newest.error() : of_history.error();
  const std::int64_t oldest_needed = std::min(*of_history, *of_newest);
  const std::string oldest = std::to_string(oldest_needed);
  const std::string checkpoints = wanted > 0 ? " version < " + oldest + " AND" : "";
  auto dropped = in_transaction([&]() -> Status {
    if (auto done =
            database_.run(("DELETE FROM checkpoints WHERE" + checkpoints + " version NOT IN " + newest_two).c_str());
        !done)
      return done;
    if (auto done = database_.run("DELETE FROM parts WHERE checkpoint NOT IN (SELECT version FROM checkpoints)"); !done)
      return done;
    return database_.run(("DELETE FROM requests WHERE version <= (SELECT version FROM requests ORDER BY version DESC "
                          "LIMIT 1 OFFSET " +
                          std::to_string(requests_kept_max) + ")")
                             .c_str());
  });
  for (bool more = wanted > 0 && oldest_needed > 0; more && dropped;) {
    const auto first = database_.number("SELECT min(version) FROM commits");
    if (!first)
      return first.error();
    const auto last = std::min(oldest_needed, *first + static_cast<std::int64_t>(rows_dropped_at_once));
    more = last < oldest_needed;
    // The commit of the oldest checkpoint stays: its link is where the chain goes on.
    dropped = in_transaction(
        [&] { return database_.run(("DELETE FROM commits WHERE version < " + std::to_string(last)).c_str()); });
  }
  return dropped;
}

void Journal::warn(LogLevel level, std::string text, Value fields) const {
  if (terms_.log)
    terms_.log({level, std::move(text), std::move(fields), "journal", 0, version_, std::chrono::system_clock::now()});
}

void Journal::warn_of_size() {
  const auto pages = database_.number("PRAGMA page_count");
  const auto bytes_each = database_.number("PRAGMA page_size");
  if (!pages || !bytes_each)
    return;
  const auto bytes = static_cast<std::uint64_t>(*pages * *bytes_each);
  if (bytes < bytes_warned_)
    return;
  while (bytes_warned_ <= bytes)
    bytes_warned_ *= 2;
  warn(LogLevel::warning, "the journal has grown large",
       {{"file", files_.path().string()}, {"bytes", bytes}, {"remedy", "Set JournalOptions::history_min"}});
}

Status Journal::close() {
  checkpoint_.reset();
  if (failure_ || name_.empty())
    return failure_ ? Status{*failure_} : Status{};
  auto closed = move_log();
  name_.clear();
  return closed;
}

}  // namespace theus::store
