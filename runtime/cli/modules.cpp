#include "runtime/cli/modules.hpp"

#include <CLI/CLI.hpp>

namespace theus::cli {

CLI::Option& add_module_option(CLI::App& parser, std::vector<std::string>& files) {
  CLI::Option* option = parser.add_option("--module", files, "A shared library of processes; may be repeated");
  return *option->type_name("LIB")->allow_extra_args(false);
}

WorkerOptions workers_of(const std::vector<std::string>& files) {
  WorkerOptions workers;
  workers.command = {"/proc/self/exe", "worker"};
  for (const std::string& file : files)
    workers.command.insert(workers.command.end(), {"--module", file});
  return workers;
}

Status load_modules(Engine& engine, ModuleFunction own, const std::vector<std::string>& files) {
  if (own != nullptr)
    if (Status answer = own(engine); !answer)
      return answer;
  for (const std::string& file : files)
    if (Status loaded = load_module(engine, file); !loaded)
      return loaded;
  return {};
}

}  // namespace theus::cli
