#pragma once

#include <theus/value.hpp>
#include <theus/version.hpp>

#include <chrono>
#include <functional>
#include <string>

namespace theus {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

std::string_view to_string(LogLevel level) noexcept;

/// One line that a process wrote, kept even when its execution was aborted.
struct LogEntry {
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

}  // namespace theus
