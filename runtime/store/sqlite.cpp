#include "runtime/store/sqlite.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace theus::store {
namespace {

// How long another program may hold the file's lock before a write is refused.
constexpr int busy_timeout_ms = 5000;

// SQLite notes the system's error for some calls only, a commit not among them; its file layer knows it always.
int system_error(sqlite3* connection) {
  sqlite3_vfs* layer = nullptr;
  if (connection != nullptr)
    sqlite3_file_control(connection, "main", SQLITE_FCNTL_VFS_POINTER, &layer);
  return layer != nullptr && layer->xGetLastError != nullptr ? layer->xGetLastError(layer, 0, nullptr) : 0;
}

bool is_of_sync(int code) { return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC; }

Error error_of(sqlite3* connection, int code) {
  const char* const path = connection != nullptr ? sqlite3_db_filename(connection, "main") : nullptr;
  const std::string where = path != nullptr && *path != '\0' ? path : "the journal";
  const int system = system_error(connection);
  std::string cause = connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  const int family = code & 0xff;
  if (system != 0 && (family == SQLITE_IOERR || family == SQLITE_FULL || family == SQLITE_CANTOPEN))
    cause += std::string{" ("} + std::strerror(system) + ")";
  const bool has_no_room = system == ENOSPC || system == EDQUOT || system == EFBIG;
  // After a sync that failed nobody knows what the disk has, whatever the reason: another one may succeed without it.
  if (family == SQLITE_FULL || (family == SQLITE_IOERR && has_no_room && !is_of_sync(code)))
    return Error{Errc::disk_full, where, cause, "Make room; commits go on by themselves"}.with("errno", system);
  if (family == SQLITE_CORRUPT || family == SQLITE_NOTADB)
    return Error{Errc::journal_corrupt, where, cause, "Restore the journal from a copy"};
  if (family == SQLITE_BUSY || family == SQLITE_LOCKED)
    return Error{Errc::journal_in_use, where, cause, "Close the other program that uses the file"};
  return Error{Errc::journal_failed, where, cause, "Look after the disk, then start again"}.with("errno", system);
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
void Database::Close::operator()(sqlite3* connection) const noexcept { sqlite3_close_v2(connection); }

void Statement::bind(int at, std::int64_t number) noexcept { sqlite3_bind_int64(statement_.get(), at, number); }

void Statement::bind(int at, std::string_view text) noexcept {
  sqlite3_bind_text64(statement_.get(), at, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind(int at, std::span<const std::byte> bytes) noexcept {
  // A null pointer would bind NULL.
  sqlite3_bind_blob64(statement_.get(), at, bytes.empty() ? "" : static_cast<const void*>(bytes.data()), bytes.size(),
                      SQLITE_STATIC);
}

Result<bool> Statement::step() {
  errno = 0;
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW || code == SQLITE_DONE)
    return code == SQLITE_ROW;
  Error error = error_of(sqlite3_db_handle(statement_.get()), code);
  reset();
  return error;
}

Status Statement::run() {
  const auto stepped = step();
  reset();
  return stepped ? Status{} : Status{stepped.error()};
}

void Statement::reset() noexcept { sqlite3_reset(statement_.get()); }

std::int64_t Statement::number(int at) const noexcept { return sqlite3_column_int64(statement_.get(), at); }

std::string_view Statement::text(int at) const noexcept {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), at));
  return text == nullptr ? std::string_view{}
                         : std::string_view{text, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), at))};
}

std::span<const std::byte> Statement::bytes(int at) const noexcept {
  const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement_.get(), at));
  return {bytes, bytes == nullptr ? 0 : static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), at))};
}

Database::Database(sqlite3* connection) noexcept : connection_(connection) {
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, busy_timeout_ms);
  // After a failed write nothing more is written, a closing checkpoint least of all.
  sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  // The file may come from anywhere: no code in it runs.
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // In place of SQLite's own, which moves the log by itself; `PRAGMA wal_autocheckpoint` would take this one away.
  sqlite3_wal_hook(
      connection,
      [](void* pages, sqlite3*, const char*, int count) {
        *static_cast<int*>(pages) = count;
        return SQLITE_OK;
      },
      log_pages_.get());
}

Result<Database> Database::open(const std::string& path, const Terms& terms) {
  sqlite3* connection = nullptr;
  const int flags = (terms.is_read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &connection, flags, terms.vfs);
  if (code != SQLITE_OK) {
    Error error = error_of(connection, code);
    sqlite3_close_v2(connection);
    return error;
  }
  return Database{connection};
}

Error Database::failure(int code) const { return error_of(connection_.get(), code); }

Status Database::run(const char* sql) {
  errno = 0;
  const int code = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status{} : Status{failure(code)};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  errno = 0;
  const int code = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK)
    return failure(code);
  Statement prepared;
  prepared.statement_.reset(statement);
  return prepared;
}

template <class T>
Result<T> Database::first(std::string_view sql, T (*read)(const Statement&)) {
  auto statement = prepare(sql);
  if (!statement)
    return statement.error();
  const auto row = statement->step();
  if (!row)
    return row.error();
  return *row ? read(*statement) : T{};
}

Result<std::int64_t> Database::number(std::string_view sql) {
  return first<std::int64_t>(sql, [](const Statement& row) { return row.number(0); });
}

Result<std::string> Database::text(std::string_view sql) {
  return first<std::string>(sql, [](const Statement& row) { return std::string{row.text(0)}; });
}

Result<int> Database::move_log() {
  int in_log = 0;
  int moved = 0;
  errno = 0;
  const int code = sqlite3_wal_checkpoint_v2(connection_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
  if (code != SQLITE_OK)
    return failure(code);
  if (in_log == moved)
    *log_pages_ = 0;  // the next commit begins it anew
  return in_log - moved;
}

Status Database::secure_log(std::uint64_t bytes) {
  constexpr sqlite3_int64 piece_bytes = 1 << 16;  // SQLite's own layer writes less than 128 KiB at once
  sqlite3_file* log = nullptr;
  sqlite3_file_control(connection_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (log == nullptr || log->pMethods == nullptr)
    return {};
  const sqlite3_io_methods& calls = *log->pMethods;
  errno = 0;
  sqlite3_int64 size = 0;
  int code = calls.xFileSize(log, &size);
  size = std::min(size, static_cast<sqlite3_int64>(bytes));
  std::vector<char> piece(static_cast<std::size_t>(std::min(size, piece_bytes)));
  for (sqlite3_int64 at = 0; at < size && code == SQLITE_OK; at += piece_bytes) {
    const int count = static_cast<int>(std::min(size - at, piece_bytes));
    code = calls.xRead(log, piece.data(), count, at);
    if (code == SQLITE_OK)
      code = calls.xWrite(log, piece.data(), count, at);
  }
  if (code == SQLITE_OK)
    code = calls.xSync(log, SQLITE_SYNC_NORMAL);
  return code == SQLITE_OK ? Status{} : Status{failure(code)};
}

bool Database::is_in_transaction() const noexcept { return sqlite3_get_autocommit(connection_.get()) == 0; }

}  // namespace theus::store
