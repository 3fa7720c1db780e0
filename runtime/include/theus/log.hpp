#pragma once

#include <theus/value.hpp>
#include <theus/version.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

namespace theus {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

std::string_view to_string(LogLevel level) noexcept;

/// One line that a process wrote, kept even when its execution was aborted. An execution writes a thousand at most;
/// what it writes beyond them is dropped, which its last entry tells. Texts end after 4096 bytes.
struct LogEntry {
  static constexpr std::size_t per_execution_max = 1000;
  static constexpr std::size_t text_bytes_max = 4096;

  LogLevel level;
  std::string text;
  Value fields;
  std::string process;
  std::uint64_t execution;
  Version version;  ///< of the snapshot it worked on
  std::chrono::system_clock::time_point time;
};

/// Receives entries, possibly from several threads at once. Must not call the engine.
using LogSink = std::function<void(const LogEntry&)>;

/// `warning match: no buyer (orders=3) [execution 7 at version 12]`, control characters escaped.
std::string to_line(const LogEntry& entry);
/// One JSON object on one line: time (UTC), level, process, execution, version, text, fields.
std::string to_json_line(const LogEntry& entry);

/// Lines on the standard error stream.
LogSink log_to_console(LogLevel least = LogLevel::debug);

struct LogFileOptions {
  LogLevel least = LogLevel::debug;
  /// When the file would become larger, it is renamed to NAME.1, in place of an older one, and begun anew.
  std::size_t bytes_max = std::size_t{64} << 20;
};
/// JSON lines appended to a file of mode 0600, each in one write. When one cannot be written, it and what follows is
/// dropped and counted until one can, and the count is logged. Refuses (bad_input) a file that cannot be opened, a
/// symbolic link among them.
Result<LogSink> log_to_file(const std::filesystem::path& file, LogFileOptions options = {});

}  // namespace theus
