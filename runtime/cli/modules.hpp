#pragma once

#include <theus/module.hpp>

#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace theus::cli {

/// `--module LIB`, any number of times.
CLI::Option& add_module_option(CLI::App& parser, std::vector<std::string>& files);

/// How an engine that loads these modules starts its workers.
WorkerOptions workers_of(const std::vector<std::string>& files);

/// Registers what `own` has (may be nullptr), then loads the shared libraries and lets each register what it exports.
/// Libraries stay loaded until the process ends, since actors that run their code may outlive the engine.
/// Errors: bad_input for a library that is missing, is no module, or was built against another interface; else what
/// the registration answered, with the field `module`.
Status load_modules(Engine& engine, ModuleFunction own, const std::vector<std::string>& files);

}  // namespace theus::cli
