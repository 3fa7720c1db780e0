#include <theus/escape.hpp>
#include <theus/json.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>
#include <stop_token>

#include "runtime/cli/attachment.hpp"
#include "runtime/cli/command.hpp"
#include "runtime/cli/durations.hpp"
#include "runtime/cli/interrupts.hpp"
#include "runtime/cli/modules.hpp"
#include "runtime/cli/reports.hpp"

namespace theus::cli {
namespace {

constexpr std::chrono::milliseconds shutdown_timeout{10'000};
constexpr const char* attach_folder = ".theus";
constexpr const char* usual_schema = "specs/context_schema.yaml";

struct Options {
  std::string workflow;
  std::vector<std::string> modules;
  std::vector<std::string> inputs;    // NAME=FILE
  std::vector<std::string> settings;  // PATH=JSON
  std::vector<std::string> wanted;    // paths
  std::uint64_t timeout_ms = 0;
  std::string journal;
  std::string durability{to_string(Durability::disk)};
  bool quiet = false;
  bool no_attach = false;
  RemoteOptions remote;
  std::string schema;
};

struct Assignment {
  std::string_view name;
  std::string_view value;
};

/// The parts before and after the first '='; an empty name when there is none. A quoted key of a path may hold one.
Assignment split(std::string_view text) {
  char quote = '\0';
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (quote == '\0' && text[at] == '=')
      return {text.substr(0, at), text.substr(at + 1)};
    if (text[at] == '\'' || text[at] == '"')
      quote = quote == '\0' ? text[at] : quote == text[at] ? '\0' : quote;
  }
  return {};
}

Result<Write> setting(std::string_view text) {
  const auto [name, value] = split(text);
  if (name.empty())
    return Error{Errc::bad_argument, "--set", "'" + std::string{text} + "' is not PATH=JSON",
                 "An example: --set domain.limit=5"};
  auto path = Path::parse(name);
  if (!path)
    return path.error();
  auto json = parse_json(value);
  if (!json)
    return Error{json.error().code(), "--set " + path->text(), json.error().cause(),
                 "Texts need quotes of their own: --set '" + path->text() + "=\"text\"'"};
  return Write::set(*std::move(path), *std::move(json));
}

// CLI11 asks for validators that return what is wrong, or nothing.
template <class T>
std::string wrong_with(const Result<T>& parsed) {
  return parsed ? "" : parsed.error().cause() + ". " + parsed.error().remedy();
}
std::string wrong_with_setting(const std::string& text) { return wrong_with(setting(text)); }

std::string wrong_with_input(const std::string& text) {
  const auto [name, file] = split(text);
  return name.empty() || file.empty() ? "'" + text + "' is not NAME=FILE. An example: --input orders=today.csv" : "";
}

std::string status_text(const Progress& progress) {
  const std::string total = progress.total == 0 ? "" : fmt::format(" of {}", progress.total);
  return fmt::format("step {}{}: {}", progress.done + 1, total, escaped(progress.step));
}

Durability level_of(std::string_view name) {
  for (const Durability level : {Durability::os, Durability::disk_async})
    if (to_string(level) == name)
      return level;
  return Durability::disk;
}

EngineOptions engine_options(const Options& options, Console& console) {
  const auto least = options.quiet ? LogLevel::warning : LogLevel::debug;
  return {.workers = workers_of(options.modules),
          .shutdown_timeout = shutdown_timeout,
          .log =
              [&console, least](const LogEntry& entry) {
                if (entry.level >= least)
                  console.say(text_of(entry));
              },
          .journal = {.path = options.journal, .level = level_of(options.durability)},
          .attach = {.folder = options.no_attach ? "" : attach_folder},
          .remote = options.remote};
}

WorkflowOptions workflow_options(const Options& options, const Session& session, std::stop_token cancel) {
  WorkflowOptions all;
  all.cancel = std::move(cancel);
  all.timeout = std::chrono::milliseconds{options.timeout_ms};
  if (!options.quiet && !session.json)
    all.observer = [&console = session.console](const Progress& progress) { console.status(status_text(progress)); };
  for (const std::string& input : options.inputs) {
    const auto [name, file] = split(input);
    all.inputs.overrides.insert_or_assign(std::string{name}, std::string{file});
  }
  return all;
}

/// The schema file that was named, or the project's own if there is one, beside what modules have set.
Status load_schema(Engine& engine, const Options& options) {
  if (options.schema.empty() && !std::filesystem::exists(usual_schema))
    return {};
  const auto file = StateSchema::load(options.schema.empty() ? usual_schema : options.schema);
  if (!file)
    return file.error();
  StateSchema all = engine.schema();
  const auto set = engine.set_schema(all.join(*file));
  return set ? Status{} : Status{set.error()};
}

/// Everything from an empty engine to the finished workflow.
Result<WorkflowReport> run_workflow(Engine& engine, const Options& options, const Session& session,
                                    std::stop_token cancel) {
  if (Status loaded = load_modules(engine, session.registry, options.modules); !loaded)
    return loaded.error();
  if (Status guarded = load_schema(engine, options); !guarded)
    return guarded.error();
  std::vector<Write> writes;
  for (const std::string& text : options.settings)
    writes.push_back(setting(text).value());
  if (auto set = engine.compare_and_swap(engine.version(), writes); !set)
    return set.error();
  return engine.execute_workflow(options.workflow, workflow_options(options, session, std::move(cancel)));
}

Value data_of(const StepReport& step) {
  return {{"step", step.step}, {"value", step.value}, {"version", step.version}, {"attempts", step.attempts}};
}

Result<Report> report_of(const Options& options, const WorkflowReport& ran, const Snapshot& state) {
  Value steps = Value::list();
  for (const StepReport& step : ran.steps)
    steps.push_back(data_of(step));
  Value values = Value::map();
  std::string text;
  for (const std::string& path : options.wanted) {
    const auto value = state.get(path);
    if (!value)
      return value.error();
    values.set(path, *value);
    text += to_json(*value) + "\n";
  }
  return Report{{{"workflow", options.workflow},
                 {"version", ran.version},
                 {"steps_run", ran.steps_run},
                 {"steps", steps},
                 {"values", values}},
                text};
}

Result<Report> run(const Options& options, Session& session) {
  const HeldSignals held;
  Engine engine{engine_options(options, session.console)};
  if (const auto found = engine.recovery(); found && found->version > 0 && !options.quiet)
    session.console.say(fmt::format("going on from version {} of {}", found->version, escaped(options.journal)));
  if (!options.remote.listen.empty()) {
    const auto remote = engine.remote_handle();
    if (!remote)
      return remote.error();
    if (!options.quiet)
      session.console.say("other hosts can join by " + *remote);
  }
  std::stop_source cancel;
  const Interrupts interrupts{held, [&] {
                                session.console.say("interrupted: the step in flight ends first; once more to force");
                                cancel.request_stop();
                              }};
  const auto ran = run_workflow(engine, options, session, cancel.get_token());
  auto report = ran ? report_of(options, *ran, engine.state()) : Result<Report>{ran.error()};
  if (Status ended = engine.shutdown(shutdown_timeout); !ended)
    return ended.error();
  session.interrupted = interrupts.caught();
  if (report && !options.quiet && !session.json)
    session.console.say(fmt::format("complete: {} steps, version {}", ran->steps_run, ran->version));
  return report;
}

}  // namespace

constinit const Command run_command{
    "", "run", "Run a workflow to its end",
    "  theus run flow.yaml --module build/libshop.so\n"
    "  theus run flow.yaml --module ./libshop.so --input orders=today.csv --set domain.limit=5 --timeout 30s\n"
    "  theus run flow.yaml --module ./libshop.so --get domain.total --quiet\n"
    "  theus run flow.yaml --module ./libshop.so --json | jq .version\n"
    "  theus run flow.yaml --module ./libshop.so --journal run.journal --durability os\n"
    "With a journal, every commit is kept in that file. If it has some already, the run goes on with the state that "
    "they\n"
    "tell: modules and --set write into that, and the workflow begins with its first step.\n"
    "SIGINT and SIGTERM let the step in flight end and exit with 130; a second one ends at once.",
    [](CLI::App& parser, const Session&) -> Action {
      auto options = std::make_shared<Options>();
      parser.add_option("WORKFLOW", options->workflow, "The workflow file")->required();
      add_module_option(parser, options->modules);
      parser.add_option("--input", options->inputs, "Load an input of the workflow from another file; - is stdin")
          ->type_name("NAME=FILE")
          ->allow_extra_args(false)
          ->check(wrong_with_input);
      parser.add_option("--set", options->settings, "Set a path of the state before the first step")
          ->type_name("PATH=JSON")
          ->allow_extra_args(false)
          ->check(wrong_with_setting);
      parser.add_option("--get", options->wanted, "Print the value of a path after the last step, as JSON")
          ->type_name("PATH")
          ->allow_extra_args(false)
          ->check(wrong_with_path);
      add_timeout_option(parser, options->timeout_ms, "Limit of the whole run");
      CLI::Option* journal =
          parser
              .add_option("--journal", options->journal, "Keep every commit in this file, and go on from what it has")
              ->type_name("FILE");
      parser
          .add_option("--durability", options->durability,
                      "When a commit is answered: once it outlives a power cut (disk), once it outlives the program "
                      "(os), or at once (disk_async)")
          ->type_name("disk|os|disk_async")
          ->check(CLI::IsMember({"disk", "os", "disk_async"}))
          ->needs(journal);
      parser
          .add_option("--schema", options->schema,
                      "What the state must fit; otherwise specs/context_schema.yaml, if it is there")
          ->type_name("FILE");
      parser.add_flag("--quiet", options->quiet, "No status line, and of the log only warnings and errors");
      CLI::Option* alone =
          parser.add_flag("--no-attach", options->no_attach,
                          "Let no other command attach; otherwise those of the same user can, through .theus/");
      CLI::Option* listen = parser
                                .add_option("--listen", options->remote.listen,
                                            "Let engines on other hosts join, by TLS with certificates on both sides")
                                ->type_name("ADDRESS:PORT")
                                ->excludes(alone);
      add_tls_options(parser, options->remote.tls, *listen, true);
      return [options](Session& running) { return run(*options, running); };
    }};

}  // namespace theus::cli
