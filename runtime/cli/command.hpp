#pragma once

#include "runtime/cli/console.hpp"

#include <theus/module.hpp>

#include <functional>

namespace CLI {
class App;
}

namespace theus::cli {

/// What a command found out: as data for --json, and as text for people (complete lines, escaped).
struct Report {
  Value data{};
  std::string text{};
  bool is_printed = false;   ///< there was no end to wait for: all is on stdout already
  bool is_bad_news = false;  ///< it was found out, and is wrong: the command ends with 1
};

/// What every command works with.
struct Session {
  Console& console;
  bool json;                ///< one JSON document on stdout, and no status line
  ModuleFunction registry;  ///< of the program that the command line belongs to, or nullptr
  bool interrupted = false;
};

/// Does the work; called after the options were parsed.
using Action = std::function<Result<Report>(Session&)>;

/// One row of the table of commands.
struct Command {
  std::string_view family;  ///< `theus FAMILY NAME`, or empty for `theus NAME`
  std::string_view name;
  std::string_view summary;
  std::string_view examples;
  /// Adds arguments and options to the parser; what they are parsed into lives as long as the returned action.
  Action (*declare)(CLI::App& parser, const Session& session);
};

/// The rows of each source of this folder.
extern const Command run_command;
extern const Command join_command;
extern const Command replay_command;
extern const Command diff_command;
extern const Command audit_verify_command;
extern const Command audit_tail_command;
extern const Command process_list_command;
extern const Command process_inspect_command;
extern const Command state_get_command;
extern const Command state_set_command;
extern const Command state_watch_command;
extern const Command state_diff_command;
extern const Command signal_tail_command;
extern const Command signal_send_command;
extern const Command signal_hz_command;
extern const Command heavy_ls_command;
extern const Command heavy_top_command;
extern const Command heavy_leaks_command;
extern const Command heavy_reap_command;
extern const Command worker_command;
extern const Command doctor_command;
extern const Command workflow_validate_command;
extern const Command schema_gen_command;
extern const Command schema_code_command;
extern const Command schema_check_command;

}  // namespace theus::cli
