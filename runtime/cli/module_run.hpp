#pragma once

#include "runtime/cli/command.hpp"

namespace CLI {
class App;
}

namespace theus::cli {

/// An engine of a command's own: what it loads, and what it runs first.
struct ModuleRun {
  std::vector<std::string> modules;
  std::string workflow;

  /// Otherwise the command attaches to a running engine.
  bool is_wanted() const noexcept { return !modules.empty() || !workflow.empty(); }
};

/// `--module LIB`, any number of times, and `--run WORKFLOW`.
void add_module_run(CLI::App& parser, ModuleRun& run, const Session& session);

/// What a command looks at: the engine after the workflow, and the state before it.
using Look = std::function<Result<Report>(const Engine& engine, const Snapshot& before)>;

/// Builds the engine, runs the workflow, looks, and shuts the engine down. SIGINT cancels the workflow.
Result<Report> look_at_run(const ModuleRun& run, Session& session, const Look& look);

}  // namespace theus::cli
