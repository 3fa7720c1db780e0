#pragma once

#include "runtime/descriptor.hpp"

#include <theus/value.hpp>

#include <sys/stat.h>

#include <filesystem>

namespace theus::store {

/// The files of one journal, and the checks before they are used: regular files of this user with one name, none
/// reached by a symbolic link. What is missing is made with mode 0600, and its directory synced.
class JournalFiles {
public:
  /// Holds the lock of the journal until it goes. Errors: journal_in_use with the holder's `pid`; journal_failed.
  static Result<JournalFiles> claim(const std::filesystem::path& path);

  static std::filesystem::path log_of(const std::filesystem::path& path) { return with(path, "-wal"); }
  static std::filesystem::path mark_of(const std::filesystem::path& path) { return with(path, "-mark"); }
  static std::filesystem::path lock_of(const std::filesystem::path& path) { return with(path, "-lock"); }

  /// The absolute path of the main file.
  const std::filesystem::path& path() const noexcept { return path_; }
  /// Whether there was no main file, or an empty one.
  bool is_new() const noexcept { return is_new_; }
  /// Whether there was no mark.
  bool is_mark_new() const noexcept { return is_mark_new_; }

  /// Refuses (journal_failed) when the main file is no longer the one that was claimed.
  Status check_in_place() const;

  /// Fills the write-ahead log with zeros up to so many bytes, if there is room: a commit that overwrites blocks is
  /// synced in half the time of one that makes the file grow. SQLite takes zeros for the end of the log. It removes a
  /// log that it finds beside an empty database: REQUIRES the tables, and that nobody writes meanwhile.
  void reserve_log(std::size_t bytes) const;

  /// Refuses (journal_failed) what is no regular file of this user with one name. Nothing there: false.
  static Result<bool> check(const std::filesystem::path& path);

private:
  static std::filesystem::path with(const std::filesystem::path& path, std::string_view end) {
    return std::filesystem::path{path} += end;
  }

  std::filesystem::path path_;
  Descriptor lock_;
  struct stat claimed_ {};
  bool is_new_ = false;
  bool is_mark_new_ = false;
};

}  // namespace theus::store
