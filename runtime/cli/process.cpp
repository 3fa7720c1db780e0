#include <theus/escape.hpp>
#include <theus/nearest.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>

#include "runtime/cli/command.hpp"
#include "runtime/cli/modules.hpp"
#include "runtime/cli/reports.hpp"

namespace theus::cli {
namespace {

struct Options {
  std::string name;
  std::vector<std::string> modules;
};

/// Without any module there would be nothing to show.
void add_modules(CLI::App& parser, Options& options, const Session& session) {
  add_module_option(parser, options.modules).required(session.registry == nullptr);
}

/// What the program and the modules register, in an engine that never runs anything.
Result<std::vector<ProcessInfo>> registered(const Options& options, const Session& session) {
  Engine engine{{.threads = 1, .workers = workers_of(options.modules)}};
  if (Status loaded = load_modules(engine, session.registry, options.modules); !loaded)
    return loaded.error();
  return engine.processes();
}

std::vector<std::string> names_of(const std::vector<Errc>& errors) {
  std::vector<std::string> names;
  for (const Errc error : errors)
    names.emplace_back(to_string(error));
  return names;
}

std::string error_names(const ProcessInfo& process) {
  return process.errors.empty() ? "any" : joined(names_of(process.errors));
}

Value data_of(const ProcessInfo& process) {
  return {{"name", process.name},
          {"semantic", to_string(process.semantic)},
          {"inputs", to_value(process.inputs)},
          {"outputs", to_value(process.outputs)},
          {"arguments", to_value(process.arguments)},
          {"side_effects", to_value(process.side_effects)},
          {"errors", to_value(names_of(process.errors))},
          {"verify_pure", process.verify_pure},
          {"blocking", process.blocking},
          {"isolated", process.isolated},
          {"timeout_ms", process.timeout.count()},
          {"attempts_max", process.attempts_max}};
}

Result<Report> list(const Options& options, const Session& session) {
  const auto processes = registered(options, session);
  if (!processes)
    return processes.error();
  std::size_t width = 0;
  for (const ProcessInfo& process : *processes)
    width = std::max(width, escaped(process.name).size());

  Value data = Value::list();
  std::string text;
  for (const ProcessInfo& process : *processes) {
    data.push_back(data_of(process));
    text += fmt::format("{:{}}  {:6}  {} -> {}\n", escaped(process.name), width, to_string(process.semantic),
                        joined(process.inputs), joined(process.outputs));
  }
  return Report{{{"processes", data}}, text};
}

Error unknown_process(const std::string& name, const std::vector<ProcessInfo>& processes) {
  std::vector<std::string> names;
  for (const ProcessInfo& process : processes)
    names.push_back(process.name);
  return {Errc::unknown_process, "theus process inspect", "no process is called '" + name + "'", suggest(name, names)};
}

Result<Report> inspect(const Options& options, const Session& session) {
  const auto processes = registered(options, session);
  if (!processes)
    return processes.error();
  const auto found = std::ranges::find(*processes, options.name, &ProcessInfo::name);
  if (found == processes->end())
    return unknown_process(options.name, *processes);
  return Report{
      data_of(*found),
      fmt::format(
          "name          {}\nsemantic      {}\ninputs        {}\noutputs       {}\n"
          "arguments     {}\nside effects  {}\nerrors        {}\ntimeout       {} ms\nattempts      at most {}\n",
          escaped(found->name), to_string(found->semantic), joined(found->inputs), joined(found->outputs),
          joined(found->arguments), joined(found->side_effects), error_names(*found), found->timeout.count(),
          found->attempts_max)};
}

}  // namespace

constinit const Command process_list_command{
    "process", "list", "List the processes with what they read and write",
    "  theus process list --module build/libshop.so\n"
    "  theus process list --module ./libshop.so --json | jq '.processes[].name'",
    [](CLI::App& parser, const Session& session) -> Action {
      auto options = std::make_shared<Options>();
      add_modules(parser, *options, session);
      return [options](Session& running) { return list(*options, running); };
    }};

constinit const Command process_inspect_command{
    "process", "inspect", "Show the contract of one process, with its limits",
    "  theus process inspect checkout --module build/libshop.so",
    [](CLI::App& parser, const Session& session) -> Action {
      auto options = std::make_shared<Options>();
      parser.add_option("NAME", options->name, "The process")->required();
      add_modules(parser, *options, session);
      return [options](Session& running) { return inspect(*options, running); };
    }};

}  // namespace theus::cli
