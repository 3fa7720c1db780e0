#pragma once

// The only code that knows SQLite's interface, but for the mark file's use of its file layer.

#include <theus/value.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace theus::store {

/// A prepared statement. Belongs to one thread, as does its database, which must outlive it.
class Statement {
public:
  Statement() noexcept = default;

  // Parameters, from 1. Texts and bytes must live until the next reset().
  void bind(int at, std::int64_t number) noexcept;
  void bind(int at, std::uint64_t number) noexcept { bind(at, static_cast<std::int64_t>(number)); }
  void bind(int at, std::string_view text) noexcept;
  void bind(int at, std::span<const std::byte> bytes) noexcept;

  /// Whether there is a row. Errors: as Database::run.
  Result<bool> step();
  /// Runs it to its end, for what gives no rows, and makes it ready to run again.
  Status run();
  void reset() noexcept;

  // Of the current row, from 0; views live until the next step or reset.
  std::int64_t number(int at) const noexcept;
  std::string_view text(int at) const noexcept;
  std::span<const std::byte> bytes(int at) const noexcept;

private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// A connection. Belongs to one thread at a time.
class Database {
public:
  struct Terms {
    bool is_read_only = false;
    const char* vfs = nullptr;  ///< SQLite's file layer of that name; nothing: its own
  };
  /// Refuses symbolic links. Never makes a file. Errors: as run().
  static Result<Database> open(const std::string& path, const Terms& terms);

  /// Errors: disk_full when there is no room; journal_corrupt when the file is no sound database; journal_in_use when
  /// another program keeps it locked; journal_failed for all else.
  Status run(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  /// The first column of the first row; 0 or nothing when there is none.
  Result<std::int64_t> number(std::string_view sql);
  Result<std::string> text(std::string_view sql);

  /// Moves what is in the write-ahead log into the main file as far as readers allow; how many pages are left in it.
  Result<int> move_log();
  /// Writes the first bytes of the write-ahead log once more, where it stands, and syncs it. What SQLite has read from
  /// it may have been in the system's memory only, of a program that ended before its sync, or in spite of a sync that
  /// failed: another sync would not write that. REQUIRES: a transaction that keeps other writers out.
  Status secure_log(std::uint64_t bytes);
  /// Pages in the write-ahead log after the last commit on this connection.
  int log_pages() const noexcept { return *log_pages_; }
  bool is_in_transaction() const noexcept;

private:
  explicit Database(sqlite3* connection) noexcept;
  Error failure(int code) const;
  template <class T>
  Result<T> first(std::string_view sql, T (*read)(const Statement&));

  friend class Statement;
  struct Close {
    void operator()(sqlite3* connection) const noexcept;
  };
  std::unique_ptr<sqlite3, Close> connection_;
  std::unique_ptr<int> log_pages_ = std::make_unique<int>(0);
};

}  // namespace theus::store
