#include <theus/escape.hpp>
#include <theus/replay.hpp>

#include <fmt/chrono.h>
#include <CLI/CLI.hpp>

#include "runtime/cli/command.hpp"

namespace theus::cli {
namespace {

struct TailCommand {
  std::string journal;
  std::size_t count = 20;
};

std::string text_of(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%FT%TZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

Value data_of(const AuditEntry& entry) {
  return {{"sequence", entry.sequence}, {"kind", to_string(entry.kind)}, {"who", entry.who},
          {"reason", entry.reason},     {"version", entry.version},      {"time", text_of(entry.time)}};
}

Result<Report> verify(const std::string& journal) {
  const auto found = verify_audit_log(journal);
  if (!found)
    return found.error();
  return Report{{{"entries", found->entries}, {"link", found->link.text()}},
                fmt::format("{} entries, none altered; the last link is {}\n", found->entries, found->link.text())};
}

Result<Report> tail(const TailCommand& options) {
  const auto entries = audit_log_of(options.journal, options.count);
  if (!entries)
    return entries.error();
  Value list = Value::list();
  std::string text;
  for (const AuditEntry& entry : *entries) {
    list.push_back(data_of(entry));
    text += fmt::format("{} {} {} by {}, version {}: {}\n", entry.sequence, text_of(entry.time), to_string(entry.kind),
                        escaped(entry.who), entry.version, escaped(entry.reason));
  }
  return Report{{{"entries", list}}, text};
}

}  // namespace

constinit const Command audit_verify_command{
    "audit", "verify", "Check the hash chain of a journal's audit log",
    "  theus audit verify run.journal\n"
    "The first entry that was altered or is missing is named, and the exit code is 70. Whoever may write the file may\n"
    "write the whole log anew: keep the last link, which this prints, elsewhere and compare it.",
    [](CLI::App& parser, const Session&) -> Action {
      auto journal = std::make_shared<std::string>();
      parser.add_option("JOURNAL", *journal, "The journal's file")->required();
      return [journal](Session&) { return verify(*journal); };
    }};

constinit const Command audit_tail_command{
    "audit", "tail", "Print the newest entries of a journal's audit log",
    "  theus audit tail run.journal\n"
    "  theus audit tail run.journal --count 100 --json",
    [](CLI::App& parser, const Session&) -> Action {
      constexpr std::size_t count_max = 1'000'000;
      auto options = std::make_shared<TailCommand>();
      parser.add_option("JOURNAL", options->journal, "The journal's file")->required();
      parser.add_option("--count", options->count, "Print so many")
          ->type_name("N")
          ->check(CLI::Range(std::size_t{1}, count_max))
          ->capture_default_str();
      return [options](Session&) { return tail(*options); };
    }};

}  // namespace theus::cli
