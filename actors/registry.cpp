#include "actors/registry.hpp"

#include <theus/nearest.hpp>

#include <algorithm>

namespace theus::actors {
namespace {

/// What a worker cannot do.
Status check_isolated(const Process& process) {
  const auto refuse = [&](const std::string& what, std::string remedy) {
    return Error{Errc::unsupported, "'" + process.name + "'", "it is isolated and " + what, std::move(remedy)};
  };
  if (std::ranges::find(process.side_effects, "admin") != process.side_effects.end())
    return refuse("may ask for elevation, which is recorded where the state is", "Split off what needs elevation");
  return {};
}

}  // namespace

Status Registry::add(Process process) {
  if (process.name.empty())
    return Error{Errc::bad_argument, "register_process", "the process has no name", "Give it one"};
  if (!process.body)
    return Error{Errc::bad_argument, "'" + process.name + "'", "the process has no body", "Set its body"};
  if (process.arguments.empty())
    process.arguments = process.body.argument_names();
  if (process.attempts_max < 1 || process.timeout.count() <= 0)
    return Error{Errc::bad_argument, "'" + process.name + "'", "attempts_max and timeout must be positive",
                 "Leave them at their defaults"};
  if (process.verify_pure && process.semantic != Semantic::pure)
    return Error{Errc::bad_argument, "'" + process.name + "'",
                 "verify_pure is for pure processes, this one is " + std::string{to_string(process.semantic)},
                 "Declare it pure, or drop verify_pure"};
  auto contract =
      Contract::compile(process.name, process.inputs, process.outputs, process.semantic, process.side_effects, access_);
  if (!contract)
    return contract.error();
  if (process.isolated)
    if (auto can = check_isolated(process); !can)
      return can.error();
  auto registered = std::make_shared<RegisteredProcess>();
  registered->contract = std::make_shared<const Contract>(*std::move(contract));
  registered->definition = std::move(process);

  const std::lock_guard lock{mutex_};
  auto table = std::make_shared<Table>(*table_);
  const std::string& name = registered->definition.name;
  if (!table->emplace(name, registered).second)
    return Error{Errc::duplicate_name, "'" + name + "'", "a process of this name is registered", "Choose another name"};
  table_ = std::move(table);
  return {};
}

std::shared_ptr<const Registry::Table> Registry::table() const {
  const std::lock_guard lock{mutex_};
  return table_;
}

Result<ProcessPtr> Registry::find(std::string_view name) const {
  const auto processes = table();
  if (const auto found = processes->find(name); found != processes->end())
    return found->second;
  std::vector<std::string> known;
  for (const auto& [other, process] : *processes)
    known.push_back(other);
  return Error{Errc::unknown_process, std::string{"'"}.append(name).append("'"),
               "no process of this name is registered", suggest(name, known)};
}

Status check_arguments(const RegisteredProcess& process, const Value& arguments) {
  const auto& [name, declared] = std::tie(process.definition.name, process.definition.arguments);
  if (!arguments.is_map())
    return Error{Errc::bad_argument, "'" + name + "'", "the arguments are no map",
                 "Pass a map of argument names to values"};
  for (const auto [key, value] : arguments.members())
    if (std::ranges::find(declared, key) == declared.end())
      return Error{Errc::bad_argument, "'" + name + "'", "it takes no argument '" + std::string{key} + "'",
                   suggest(key, declared)}
          .with("names", Value{key});
  return {};
}

}  // namespace theus::actors
