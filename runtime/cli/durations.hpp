#pragma once

#include <cstdint>
#include <string>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace theus::cli {

/// `--timeout DURATION`: a number with its unit, such as 500ms, 30s, 5m or 2h; up to 30 days.
CLI::Option& add_timeout_option(CLI::App& parser, std::uint64_t& milliseconds, const std::string& description);

}  // namespace theus::cli
