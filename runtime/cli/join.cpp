#include <theus/engine.hpp>
#include <theus/escape.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>
#include <semaphore>
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
constexpr std::chrono::milliseconds look_interval{200};

struct Options {
  std::string handle;
  std::vector<std::string> modules;
  std::string workflow;
  std::uint64_t timeout_ms = 0;
  bool quiet = false;
  TlsOptions tls;
};

EngineOptions engine_options(const Options& options, Console& console) {
  const auto least = options.quiet ? LogLevel::warning : LogLevel::debug;
  return {.shutdown_timeout = shutdown_timeout,
          .log =
              [&console, least](const LogEntry& entry) {
                if (entry.level >= least)
                  console.say(text_of(entry));
              },
          .join = {.tls = options.tls}};
}

/// Lets agents work until it is interrupted, and says when the owner goes down and is back.
void serve(const Engine& engine, const Options& options, Session& session, std::binary_semaphore& end) {
  bool was_up = true;
  while (!end.try_acquire_for(look_interval)) {
    const auto owner = engine.owner().value();
    if (owner.is_up != was_up && !options.quiet)
      session.console.say(owner.is_up ? std::string{"joined again"} : owner.fault ? owner.fault->text() : "owner_down");
    was_up = owner.is_up;
  }
}

Result<Report> work(Engine& engine, const Options& options, Session& session, std::binary_semaphore& end,
                    std::stop_token cancel) {
  if (Status loaded = load_modules(engine, session.registry, options.modules); !loaded)
    return loaded.error();
  if (options.workflow.empty()) {
    const auto hosted = engine.host_agents();
    if (!hosted)
      return hosted.error();
    if (!options.quiet && !session.json)
      session.console.say(fmt::format("joined at version {}; {} processes, {} agents, {} of them step in its rounds",
                                      engine.version(), engine.processes().size(), engine.agents().size(), *hosted));
    serve(engine, options, session, end);
    return Report{{{"version", engine.version()}}};
  }
  WorkflowOptions terms;
  terms.timeout = std::chrono::milliseconds{options.timeout_ms};
  terms.cancel = std::move(cancel);
  const auto ran = engine.execute_workflow(options.workflow, std::move(terms));
  if (!ran)
    return ran.error();
  if (!options.quiet && !session.json)
    session.console.say(fmt::format("complete: {} steps, version {}", ran->steps_run, ran->version));
  return Report{{{"workflow", options.workflow}, {"version", ran->version}, {"steps_run", ran->steps_run}}};
}

Result<Report> join(const Options& options, Session& session) {
  const HeldSignals held;
  auto engine = Engine::from_handle(options.handle, engine_options(options, session.console));
  if (!engine)
    return engine.error();
  std::binary_semaphore end{0};
  std::stop_source cancel;
  const Interrupts interrupts{held, [&] {
                                cancel.request_stop();
                                end.release();
                              }};
  auto report = work(*engine, options, session, end, cancel.get_token());
  if (Status ended = engine->shutdown(shutdown_timeout); !ended)
    return ended.error();
  session.interrupted = interrupts.caught();
  return report;
}

}  // namespace

constinit const Command join_command{
    "", "join", "Become part of a running engine, and run modules there",
    "  theus join unix:/home/me/shop/.theus/engine-4711 --module build/libshop.so\n"
    "  theus join $HANDLE --module build/libshop.so --run flow.yaml\n"
    "  theus join tls://192.0.2.7:4711 --module build/libshop.so --certificate me.pem --key me.key --ca ca.pem\n"
    "Processes, agents and workflows of the modules run in this process, on the state of that engine, which decides on "
    "what they commit. Without a workflow the agents work until SIGINT or SIGTERM; those that the engine has as well "
    "step here in its rounds. When that engine goes down they wait, and go on when it is back with its journal.",
    [](CLI::App& parser, const Session&) -> Action {
      auto options = std::make_shared<Options>();
      CLI::Option* handle =
          parser.add_option("HANDLE", options->handle, "Of Engine::context_handle(), or tls://HOST:PORT")->required();
      add_tls_options(parser, options->tls, *handle, false);
      add_module_option(parser, options->modules);
      parser.add_option("--run", options->workflow, "Run this workflow to its end, and end")->type_name("WORKFLOW");
      add_timeout_option(parser, options->timeout_ms, "Limit of the workflow");
      parser.add_flag("--quiet", options->quiet, "Of the log only warnings and errors");
      return [options](Session& running) { return join(*options, running); };
    }};

}  // namespace theus::cli
