#pragma once

#include <theus/value.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace theus::store {

/// What stands in a write-ahead log of SQLite, by its own checksums (sqlite.org/fileformat2.html, section 4).
struct LogScan {
  std::uint64_t committed = 0;           ///< pages up to the last whole commit
  std::uint64_t committed_bytes = 0;     ///< of the file, up to their end
  std::uint64_t cut = 0;                 ///< pages after it
  std::uint64_t sound_after_damage = 0;  ///< of these, such as come after a damaged one and belong to the same log
};

/// Bytes of a log of so many pages.
std::size_t log_bytes(std::size_t pages, std::size_t page_bytes) noexcept;

/// Reads the log as it is, before SQLite has seen it. A missing or empty one has nothing. Errors: journal_failed.
Result<LogScan> scan_log(const std::filesystem::path& path);

}  // namespace theus::store
