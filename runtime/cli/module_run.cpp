#include "runtime/cli/module_run.hpp"

#include <CLI/CLI.hpp>

#include <stop_token>

#include "runtime/cli/interrupts.hpp"
#include "runtime/cli/modules.hpp"
#include "runtime/cli/reports.hpp"

namespace theus::cli {
namespace {

constexpr std::chrono::milliseconds shutdown_timeout{10'000};

}  // namespace

void add_module_run(CLI::App& parser, ModuleRun& run, const Session& session) {
  CLI::Option& modules = add_module_option(parser, run.modules);
  CLI::Option* workflow = parser.add_option("--run", run.workflow, "Run this workflow first, in an engine of its own");
  workflow->type_name("WORKFLOW");
  if (session.registry == nullptr)
    workflow->needs(&modules);
}

Result<Report> look_at_run(const ModuleRun& run, Session& session, const Look& look) {
  const HeldSignals held;
  Engine engine{{.workers = workers_of(run.modules),
                 .shutdown_timeout = shutdown_timeout,
                 .log = [&console = session.console](const LogEntry& entry) {
                   if (entry.level >= LogLevel::warning)
                     console.say(text_of(entry));
                 }}};
  std::stop_source cancel;
  const Interrupts interrupts{held, [&] { cancel.request_stop(); }};
  const auto looked = [&]() -> Result<Report> {
    if (Status loaded = load_modules(engine, session.registry, run.modules); !loaded)
      return loaded.error();
    const Snapshot before = engine.state();
    if (!run.workflow.empty())
      if (auto ran = engine.execute_workflow(run.workflow, {.cancel = cancel.get_token()}); !ran)
        return ran.error();
    return look(engine, before);
  };
  auto report = looked();
  if (Status ended = engine.shutdown(shutdown_timeout); !ended)
    return ended.error();
  session.interrupted = interrupts.caught();
  return report;
}

}  // namespace theus::cli
