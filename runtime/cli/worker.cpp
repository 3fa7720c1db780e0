#include <theus/isolated.hpp>

#include <CLI/CLI.hpp>

#include "runtime/cli/command.hpp"
#include "runtime/cli/modules.hpp"

namespace theus::cli {

constinit const Command worker_command{
    "", "worker", "Run isolated bodies for the engine that has started this process; of no use by hand",
    "  theus run --module ./shop.so shop.yaml   # starts workers by itself",
    [](CLI::App& parser, const Session&) -> Action {
      auto files = std::make_shared<std::vector<std::string>>();
      add_module_option(parser, *files);
      return [files](Session& session) -> Result<Report> {
        serve_if_worker([&](Engine& engine) { return load_modules(engine, session.registry, *files); });
        return Error{Errc::unsupported, "theus worker", "no engine has started this process",
                     "Run a workflow with isolated processes; its engine starts workers by itself"};
      };
    }};

}  // namespace theus::cli
