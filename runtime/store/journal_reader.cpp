#include "runtime/store/journal_reader.hpp"

#include "runtime/cbor.hpp"
#include "runtime/store/audit_record.hpp"
#include "runtime/store/checkpoint_proof.hpp"
#include "runtime/store/journal_files.hpp"
#include "runtime/store/journal_tables.hpp"

#include <charconv>

namespace theus::store {
namespace {

AuditEntry entry_of(const Statement& row) {
  using std::chrono::system_clock;
  return {.sequence = static_cast<std::uint64_t>(row.number(0)),
          .kind = row.text(1) == "edit" ? AuditEntry::Kind::edit : AuditEntry::Kind::elevation,
          .who = std::string{row.text(2)},
          .reason = std::string{row.text(3)},
          .version = static_cast<Version>(row.number(4)),
          .time = system_clock::time_point{
              std::chrono::duration_cast<system_clock::duration>(std::chrono::nanoseconds{row.number(5)})}};
}

}  // namespace

Error corrupt(const std::filesystem::path& path, Version version, std::string cause) {
  return Error{Errc::journal_corrupt, path.string() + ", version " + std::to_string(version), std::move(cause),
               "Restore the journal from a copy, or set it aside and begin anew"}
      .with("version", version)
      .with("path", path.string());
}

std::optional<Digest> digest_of(std::span<const std::byte> bytes) {
  Digest digest;
  if (bytes.size() != digest.bytes.size())
    return std::nullopt;
  std::ranges::copy(bytes, digest.bytes.begin());
  return digest;
}

Result<std::optional<JournalHeader>> read_header(Database& database, const std::filesystem::path& path) {
  const auto application = database.number("PRAGMA application_id");
  const auto format = database.number("PRAGMA user_version");
  const auto found = database.number("SELECT count(*) FROM sqlite_schema");
  for (const auto* read : {&application, &format, &found})
    if (!*read)
      return read->error();
  if (*found == 0 && *application == 0)
    return std::optional<JournalHeader>{};
  if (*application != application_id)
    return Error{Errc::journal_failed, path.string(), "it is the database of another program", "Name another file"};
  if (*format != format_version)
    return Error{Errc::journal_version, path.string(),
                 "the journal has format " + std::to_string(*format) + ", this program reads and writes format " +
                     std::to_string(format_version),
                 *format > format_version ? "Use a newer version of the program" : "Use the version that wrote it"}
        .with("ours", format_version)
        .with("theirs", *format);
  auto name = database.text("SELECT value FROM journal WHERE name = 'name'");
  if (!name)
    return name.error();
  const auto seed = database.text("SELECT value FROM journal WHERE name = 'seed'");
  if (!seed)
    return seed.error();
  JournalHeader header{.name = *std::move(name)};
  std::from_chars(seed->data(), seed->data() + seed->size(), header.seed);
  return std::optional{std::move(header)};
}

CommitWalk::CommitWalk(std::filesystem::path path, Statement rows, Version version, const Digest& link)
    : path_(std::move(path)), rows_(std::move(rows)), version_(version) {
  chain_->start_at(link);
}

Result<CommitWalk> CommitWalk::after(Database& database, std::filesystem::path path, Version version,
                                     const Digest& link) {
  auto rows = database.prepare("SELECT version, record, link FROM commits WHERE version > ? ORDER BY version");
  if (!rows)
    return rows.error();
  rows->bind(1, version);
  return CommitWalk{std::move(path), *std::move(rows), version, link};
}

Result<std::optional<KeptCommit>> CommitWalk::next() {
  const auto row = rows_.step();
  if (!row)
    return row.error();
  if (!*row)
    return std::optional<KeptCommit>{};
  const auto version = static_cast<Version>(rows_.number(0));
  if (version != version_ + 1)
    return corrupt(path_, version_ + 1, "its record is missing");
  const auto bytes = rows_.bytes(1);
  if (digest_of(rows_.bytes(2)) != chain_->add(version, bytes))
    return corrupt(path_, version, "its record is not the one that was written");
  auto record = read_record(bytes, paths_);
  if (!record)
    return corrupt(path_, version, record.error().text());
  version_ = version;
  return std::optional{KeptCommit{version, chain_->link(), *std::move(record)}};
}

Result<std::vector<Version>> checkpoint_versions(Database& database) {
  auto rows = database.prepare("SELECT version FROM checkpoints ORDER BY version");
  if (!rows)
    return rows.error();
  std::vector<Version> versions;
  for (;;) {
    const auto row = rows->step();
    if (!row)
      return row.error();
    if (!*row)
      return versions;
    versions.push_back(static_cast<Version>(rows->number(0)));
  }
}

Result<std::optional<Checkpoint>> read_checkpoint(Database& database, Version version) {
  auto row = database.prepare("SELECT parts, link, proof, digest FROM checkpoints WHERE version = ?");
  auto parts = database.prepare("SELECT path, value FROM parts WHERE checkpoint = ? ORDER BY part");
  if (!row || !parts)
    return row ? parts.error() : row.error();
  row->bind(1, version);
  parts->bind(1, version);
  const auto there = row->step();
  if (!there)
    return there.error();
  const auto link = *there ? digest_of(row->bytes(1)) : std::nullopt;
  const auto digest = *there ? digest_of(row->bytes(3)) : std::nullopt;
  if (!link || !digest)
    return std::optional<Checkpoint>{};
  Checkpoint checkpoint{version, *link, *digest, {}};
  Chain proof;
  std::uint64_t count = 0;
  for (;;) {
    const auto part = parts->step();
    if (!part)
      return part.error();
    if (!*part)
      break;
    proof.add(count++, checkpoint_proof_record(parts->text(0), parts->bytes(1)));
    auto path = Path::parse(parts->text(0));
    auto value = from_cbor(parts->bytes(1));
    if (!path || !value)
      return std::optional<Checkpoint>{};
    checkpoint.values.push_back(Write::set(*std::move(path), *std::move(value)));
  }
  if (count != static_cast<std::uint64_t>(row->number(0)) || digest_of(row->bytes(2)) != proof.link())
    return std::optional<Checkpoint>{};
  return std::optional{std::move(checkpoint)};
}

AuditWalk::AuditWalk(std::filesystem::path path, Statement rows, std::string_view journal_name)
    : path_(std::move(path)), rows_(std::move(rows)) {
  chain_->start_at(Chain::first(journal_name));
}

Result<AuditWalk> AuditWalk::begin(Database& database, std::filesystem::path path, std::string_view journal_name) {
  auto rows = database.prepare("SELECT sequence, kind, who, reason, version, time, link FROM audit ORDER BY sequence");
  if (!rows)
    return rows.error();
  return AuditWalk{std::move(path), *std::move(rows), journal_name};
}

Result<std::optional<AuditEntry>> AuditWalk::next() {
  const auto row = rows_.step();
  if (!row)
    return row.error();
  if (!*row)
    return std::optional<AuditEntry>{};
  AuditEntry entry = entry_of(rows_);
  const auto broken = [&](std::uint64_t sequence, std::string cause) {
    return Error{Errc::journal_corrupt, path_.string() + ", entry " + std::to_string(sequence) + " of the audit log",
                 std::move(cause), "Compare it with a copy of the journal; what stands before it is as it was written"}
        .with("sequence", sequence)
        .with("path", path_.string());
  };
  if (entry.sequence != sequence_ + 1)
    return broken(sequence_ + 1, "it is missing");
  const bool is_known_kind = rows_.text(1) == to_string(entry.kind);
  if (!is_known_kind || digest_of(rows_.bytes(6)) != chain_->add(entry.sequence, audit_record(entry)))
    return broken(entry.sequence, "it was altered");
  sequence_ = entry.sequence;
  return std::optional{std::move(entry)};
}

Result<std::vector<AuditEntry>> newest_audit_entries(Database& database, std::size_t most) {
  auto rows = database.prepare("SELECT * FROM (SELECT * FROM audit ORDER BY sequence DESC LIMIT ?) ORDER BY sequence");
  if (!rows)
    return rows.error();
  rows->bind(1, static_cast<std::uint64_t>(most));
  std::vector<AuditEntry> entries;
  for (;;) {
    const auto row = rows->step();
    if (!row)
      return row.error();
    if (!*row)
      return entries;
    entries.push_back(entry_of(*rows));
  }
}

Result<JournalReader> JournalReader::open(const std::filesystem::path& path) {
  std::error_code unresolved;
  const auto absolute = std::filesystem::absolute(path, unresolved);
  const auto is_there = JournalFiles::check(absolute);
  if (!is_there)
    return is_there.error();
  if (!*is_there)
    return Error{Errc::bad_input, path.string(), "there is no journal of this name", "Look for a typing error"};
  std::optional<Mark> mark;
  if (const auto mark_path = JournalFiles::mark_of(absolute); std::filesystem::exists(mark_path, unresolved)) {
    auto file = MarkFile::open(mark_path, nullptr);
    auto read = file ? file->read() : Result<std::optional<Mark>>{file.error()};
    if (!read)
      return read.error();
    mark = *read;
  }
  auto database = Database::open(absolute.string(), {.is_read_only = true});
  if (!database)
    return database.error();
  JournalReader reader{absolute, *std::move(database)};
  reader.mark_ = mark;
  if (auto looked = reader.look(); !looked)
    return looked.error();
  return reader;
}

Status JournalReader::look() {
  if (auto begun = database_.run("BEGIN"); !begun)
    return begun;
  auto header = read_header(database_, path_);
  if (!header)
    return header.error();
  if (!*header)
    return Error{Errc::bad_input, path_.string(), "it is empty: no engine has used it yet", "Look for a typing error"};
  header_ = **std::move(header);
  const auto first = database_.number("SELECT min(version) FROM commits");
  const auto newest = database_.number("SELECT max(version) FROM commits");
  if (!first || !newest)
    return first ? newest.error() : first.error();
  first_ = static_cast<Version>(*first);
  newest_ = static_cast<Version>(*newest);
  return {};
}

}  // namespace theus::store
