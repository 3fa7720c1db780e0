#include <theus/log.hpp>

#include <theus/escape.hpp>
#include <theus/json.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cstdio>

namespace theus {

std::string_view to_string(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
  }
  return "unknown";
}

std::string to_line(const LogEntry& entry) {
  std::string fields;
  if (entry.fields.is_map())
    for (const auto [name, value] : entry.fields.members())
      fields += fmt::format("{}{}={}", fields.empty() ? " (" : ", ", escaped(name), to_json(value));
  else if (!entry.fields.is_null())
    fields = " (" + to_json(entry.fields);
  return fmt::format("{} {}: {}{}{} [execution {} at version {}]", to_string(entry.level), escaped(entry.process),
                     escaped(entry.text), fields, fields.empty() ? "" : ")", entry.execution, entry.version);
}

std::string to_json_line(const LogEntry& entry) {
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(entry.time);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(milliseconds);
  const auto time =
      fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                  (milliseconds - seconds).count());
  return to_json({{"time", time},
                  {"level", to_string(entry.level)},
                  {"process", entry.process},
                  {"execution", entry.execution},
                  {"version", entry.version},
                  {"text", entry.text},
                  {"fields", entry.fields}});
}

LogSink log_to_console(LogLevel least) {
  return [least](const LogEntry& entry) {
    if (entry.level >= least)
      std::fprintf(stderr, "%s\n", to_line(entry).c_str());
  };
}

}  // namespace theus
