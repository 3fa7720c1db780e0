#include <theus/cli.hpp>
#include <theus/errors.hpp>
#include <theus/json.hpp>

#include <CLI/CLI.hpp>

#include <csignal>

#include <algorithm>
#include <map>

#include "runtime/cli/command.hpp"
#include "runtime/cli/interrupts.hpp"
#include "runtime/cli/reports.hpp"
#include "runtime/cli/usage.hpp"

namespace theus::cli {
namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

struct Family {
  std::string_view name;
  std::string_view summary;
};

constexpr Family families[] = {
    {"process", "What modules register"},
    {"state", "The state of a running engine, or of a run of modules"},
    {"signal", "The signals of a running engine"},
    {"workflow", "Workflow files"},
    {"heavy", "The heavy buffers of a running engine"},
    {"audit", "The audit log of a journal"},
    {"schema", "What the state must look like"},
};

const Command* const commands[] = {
    &run_command,         &join_command,        &process_list_command, &process_inspect_command,
    &state_get_command,   &state_set_command,   &state_watch_command,  &state_diff_command,
    &signal_tail_command, &signal_send_command, &signal_hz_command,    &heavy_ls_command,
    &heavy_top_command,   &heavy_leaks_command, &heavy_reap_command,   &workflow_validate_command,
    &replay_command,      &diff_command,        &audit_verify_command, &audit_tail_command,
    &schema_gen_command,  &schema_code_command, &schema_check_command, &worker_command,
    &doctor_command,
};

constexpr std::string_view exit_codes =
    "Exit codes: 0 ok, 1 failed run or bad news, 2 usage, 3 bad file, 4 nothing to attach to, 5 conflicts,\n"
    "6 time-out, 70 internal, 130 interrupted.";

/// What a command line asks for, or why it cannot be understood.
class Parser {
public:
  explicit Parser(const Session& session) : program_("Runs and inspects workflows of processes and agents.", "theus") {
    program_.set_version_flag("--version", THEUS_VERSION, "Print the version and end");
    program_.footer(std::string{exit_codes});
    program_.require_subcommand(0, 1);
    program_.get_formatter()->label("SUBCOMMAND", "COMMAND");
    add_json(program_);
    for (const Command* command : commands)
      declare(*command, session);
  }

  /// The action of the chosen command. Throws CLI::ParseError, also for --help and --version.
  const Action& parse(int argc, const char* const* argv) {
    program_.parse(argc, argv);
    const CLI::App& chosen = chosen_parser(program_);
    const auto found = std::ranges::find(actions_, &chosen, &Declared::parser);
    if (found == actions_.end())
      throw CLI::RequiredError("A command");
    return found->action;
  }

  const CLI::App& program() const noexcept { return program_; }

private:
  struct Declared {
    const CLI::App* parser;
    Action action;
  };

  static void add_json(CLI::App& parser) {
    parser.add_flag("--json")->description("Print one JSON document, errors included");
  }

  static CLI::App& add(CLI::App& parent, std::string_view name, std::string_view summary) {
    CLI::App& parser = *parent.add_subcommand(std::string{name}, std::string{summary});
    parser.group("Commands");
    add_json(parser);
    return parser;
  }

  CLI::App& parent_of(const Command& command) {
    if (command.family.empty())
      return program_;
    CLI::App*& parser = families_[command.family];
    if (parser == nullptr) {
      const Family& family = *std::ranges::find(families, command.family, &Family::name);
      parser = add(program_, family.name, family.summary).require_subcommand(0, 1);
    }
    return *parser;
  }

  void declare(const Command& command, const Session& session) {
    CLI::App& parser = add(parent_of(command), command.name, command.summary);
    parser.footer("Examples:\n" + std::string{command.examples});
    actions_.push_back({&parser, command.declare(parser, session)});
  }

  CLI::App program_;
  std::map<std::string_view, CLI::App*> families_;
  std::vector<Declared> actions_;
};

/// Looked for before parsing, so that mistyped command lines are answered in JSON too.
bool asks_for_json(int argc, const char* const* argv) {
  return std::any_of(argv, argv + argc, [](std::string_view argument) { return argument == "--json"; });
}

Result<Report> run_action(const Action& action, Session& session) {
  try {
    return action(session);
  } catch (const TheusError& error) {
    return error.error();
  } catch (const std::bad_alloc&) {
    return Error{Errc::resource_exhausted, "theus", "memory is exhausted"};
  } catch (const std::exception& error) {
    return Error{Errc::internal, "theus", error.what()};
  }
}

/// Prints data and returns the exit code, which is never 0 when they did not arrive whole.
int print(Console& console, std::string_view data, int exit) {
  const std::error_code failed = write_all(STDOUT_FILENO, data);
  if (!failed)
    return exit;
  console.say("theus: standard output: " + failed.message() + "; what was printed is not whole");
  return exit == 0 ? exit_failed : exit;
}

int print_error(Session& session, const Error& error, int exit) {
  if (session.json)
    return print(session.console, to_json(data_of(error)) + "\n", exit);
  session.console.say(text_of(error, session.console));
  return exit;
}

int run_command_line(int argc, const char* const* argv, Session& session) {
  Parser parser{session};
  const Action* action = nullptr;
  try {
    action = &parser.parse(argc, argv);
  } catch (const CLI::CallForVersion& version) {
    const std::string text = version.what();
    return print(session.console, session.json ? to_json(Value{{"version", text}}) + "\n" : "theus " + text + "\n", 0);
  } catch (const CLI::Success&) {
    return print(session.console, parser.program().help(), 0);
  } catch (const CLI::ParseError& error) {
    return print_error(session, usage_error(parser.program(), error), exit_usage);
  }

  const auto report = run_action(*action, session);
  if (!report)
    return print_error(session, report.error(),
                       session.interrupted ? Interrupts::exit_interrupted : exit_code(report.error().code()));
  const int exit = session.interrupted ? Interrupts::exit_interrupted : report->is_bad_news ? exit_failed : 0;
  if (report->is_printed)
    return exit;
  return print(session.console, session.json ? to_json(report->data) + "\n" : report->text, exit);
}

}  // namespace
}  // namespace theus::cli

namespace theus {

int run_cli(int argc, const char* const* argv, ModuleFunction registry) {
  cli::occupy_closed_descriptors();
  // A reader that goes away is then an error of write(), which gets an exit code and words.
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  cli::Console console;
  cli::Session session{console, cli::asks_for_json(argc, argv), registry};
  const int exit = cli::run_command_line(argc, argv, session);
  std::signal(SIGPIPE, before);
  return exit;
}

}  // namespace theus
