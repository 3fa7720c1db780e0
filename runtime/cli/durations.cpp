#include "runtime/cli/durations.hpp"

#include <CLI/CLI.hpp>

namespace theus::cli {
namespace {

constexpr std::uint64_t timeout_ms_max = 30ULL * 24 * 3600 * 1000;

}  // namespace

CLI::Option& add_timeout_option(CLI::App& parser, std::uint64_t& milliseconds, const std::string& description) {
  using Unit = CLI::AsNumberWithUnit;
  const std::map<std::string, std::uint64_t> units{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  return *parser.add_option("--timeout", milliseconds, description + ": 500ms, 30s, 5m, 2h")
              ->type_name("DURATION")
              ->transform(Unit(units, Unit::Options(Unit::CASE_SENSITIVE | Unit::UNIT_REQUIRED)))
              ->check(CLI::Range(std::uint64_t{1}, timeout_ms_max));
}

}  // namespace theus::cli
