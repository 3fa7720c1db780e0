#include "runtime/cli/usage.hpp"

#include <theus/nearest.hpp>

#include <CLI/CLI.hpp>

namespace theus::cli {
namespace {

std::string full_name(const CLI::App& parser) {
  const CLI::App* parent = parser.get_parent();
  return parent == nullptr ? parser.get_name() : full_name(*parent) + " " + parser.get_name();
}

std::vector<std::string> options_of(const CLI::App& parser) {
  std::vector<std::string> names;
  for (const CLI::Option* option : parser.get_options())
    for (const std::string& name : option->get_lnames())
      names.push_back("--" + name);
  return names;
}

std::vector<std::string> commands_of(const CLI::App& parser) {
  std::vector<std::string> names;
  for (const CLI::App* command : parser.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

Error unknown(const CLI::App& parser, const std::string& argument) {
  const std::string where = full_name(parser);
  if (argument.starts_with('-')) {
    const std::string name = argument.substr(0, argument.find('='));
    return {Errc::bad_argument, where, "there is no option " + name, suggest(name, options_of(parser))};
  }
  const auto commands = commands_of(parser);
  if (commands.empty())
    return {Errc::bad_argument, where, "the argument '" + argument + "' is one too many", "Try " + where + " --help"};
  return {Errc::bad_argument, where, "there is no command '" + argument + "'", suggest(argument, commands)};
}

}  // namespace

const CLI::App& chosen_parser(const CLI::App& program) {
  const auto chosen = program.get_subcommands();
  return chosen.empty() ? program : chosen_parser(*chosen.back());
}

Error usage_error(const CLI::App& program, const CLI::ParseError& error) {
  const CLI::App& parser = chosen_parser(program);
  // A mistyped option often leaves a required one unset; the typing error is what the user wants to hear of.
  if (const auto unexpected = program.remaining(true); !unexpected.empty())
    return unknown(parser, unexpected.front());
  const std::string where = full_name(parser);
  return {Errc::bad_argument, where, error.what(), "Try " + where + " --help"};
}

}  // namespace theus::cli
