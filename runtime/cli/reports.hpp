#pragma once

#include "runtime/cli/console.hpp"

#include <theus/diff.hpp>
#include <theus/log.hpp>

namespace theus::cli {

/// {"error": {code, where, cause, remedy, fields}}
Value data_of(const Error& error);

/// The error for people: one line, and one more for each finding in a file and each difference.
std::string text_of(const Error& error, const Console& console);

/// What a process has logged, as one line.
std::string text_of(const LogEntry& entry);

/// The texts as one line, separated by commas; "-" when there are none.
std::string joined(const std::vector<std::string>& texts);

}  // namespace theus::cli
