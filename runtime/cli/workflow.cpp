#include <theus/escape.hpp>

#include <CLI/CLI.hpp>

#include <memory>

#include "runtime/cli/command.hpp"
#include "runtime/cli/modules.hpp"

namespace theus::cli {
namespace {

struct Options {
  std::string workflow;
  std::vector<std::string> modules;
};

Result<Report> validate(const Options& options, const Session& session) {
  const auto workflow = Workflow::load(options.workflow);
  if (!workflow)
    return workflow.error();
  const bool knows_processes = session.registry != nullptr || !options.modules.empty();
  if (knows_processes) {
    Engine engine{{.threads = 1, .workers = workers_of(options.modules)}};
    if (Status loaded = load_modules(engine, session.registry, options.modules); !loaded)
      return loaded.error();
    if (Status checked = engine.check(*workflow); !checked)
      return checked.error();
  }
  return Report{{{"workflow", options.workflow}, {"valid", true}, {"processes_checked", knows_processes}},
                escaped(options.workflow) + ": valid" +
                    (knows_processes ? "\n" : "; give --module to check the names of processes too\n")};
}

}  // namespace

constinit const Command workflow_validate_command{
    "workflow", "validate", "Check a workflow file without running it; report everything that is wrong at once",
    "  theus workflow validate flow.yaml\n"
    "  theus workflow validate flow.yaml --module build/libshop.so --json",
    [](CLI::App& parser, const Session&) -> Action {
      auto options = std::make_shared<Options>();
      parser.add_option("WORKFLOW", options->workflow, "The workflow file")->required();
      add_module_option(parser, options->modules);
      return [options](Session& running) { return validate(*options, running); };
    }};

}  // namespace theus::cli
