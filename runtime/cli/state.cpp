#include <theus/escape.hpp>
#include <theus/json.hpp>
#include <theus/replay.hpp>

#include <CLI/CLI.hpp>

#include "runtime/cli/attachment.hpp"
#include "runtime/cli/json_argument.hpp"
#include "runtime/cli/module_run.hpp"

namespace theus::cli {
namespace {

struct GetOptions {
  std::string path;
  std::string handle;
  ModuleRun run;
  std::string journal;
  std::optional<Version> at;
};

Result<Report> reading(const std::string& path, const std::optional<Value>& value, Version version) {
  if (!value)
    return Error{Errc::bad_argument, path, "there is nothing at this path",
                 "theus state get without a path shows the whole state"}
        .with("version", version);
  return Report{{{"path", path}, {"value", *value}, {"version", version}}, escaped(to_json(*value)) + "\n"};
}

Result<Report> reading_at(const GetOptions& options) {
  const auto extent = journal_extent(options.journal);
  if (!extent)
    return extent.error();
  const auto state = state_at(options.journal, options.at.value_or(extent->newest));
  if (!state)
    return state.error();
  return reading(options.path, state->find(options.path), state->version());
}

Result<Report> get(const GetOptions& options, Session& session) {
  if (options.run.is_wanted())
    return look_at_run(options.run, session, [&](const Engine& engine, const Snapshot&) {
      const Snapshot state = engine.state();
      return reading(options.path, state.find(options.path), state.version());
    });
  if (!options.journal.empty())
    return reading_at(options);
  auto engine = attach(options.handle);
  if (!engine)
    return engine.error();
  const auto found = engine->get(options.path);
  if (!found)
    return found.error();
  return reading(options.path, found->value, found->version);
}

struct SetCommand {
  std::string path;
  std::string value;
  std::string handle;
  std::optional<Version> expected;
  std::string reason;
};

Result<Report> set(const SetCommand& options, const Session&) {
  auto engine = attach(options.handle);
  if (!engine)
    return engine.error();
  const auto version =
      engine->set(options.path, json_or_word(options.value).value(), {options.expected, options.reason});
  if (!version)
    return version.error();
  return Report{{{"path", options.path}, {"version", *version}}, std::to_string(*version) + "\n"};
}

}  // namespace

constinit const Command state_get_command{
    "state", "get", "Print a value of a running engine's state, or of a state that modules make, as JSON",
    "  theus state get domain.orders\n"
    "  theus state get --json | jq .value.domain\n"
    "  theus state get domain.total --module build/libshop.so --run flow.yaml\n"
    "  theus state get domain --attach unix:/home/me/shop/.theus/engine-4711\n"
    "  theus state get domain --journal run.journal --at 41",
    [](CLI::App& parser, const Session& session) -> Action {
      auto options = std::make_shared<GetOptions>();
      parser.add_option("PATH", options->path, "What to print; the whole state when left out")->check(wrong_with_path);
      CLI::Option& attach = add_attach_option(parser, options->handle);
      add_module_run(parser, options->run, session);
      attach.excludes("--module")->excludes("--run");
      CLI::Option* journal = parser.add_option("--journal", options->journal, "Read this journal instead of an engine")
                                 ->type_name("FILE")
                                 ->excludes(&attach)
                                 ->excludes("--module")
                                 ->excludes("--run");
      parser.add_option("--at", options->at, "The version to print; the newest when left out")
          ->type_name("VERSION")
          ->check(CLI::NonNegativeNumber)
          ->needs(journal);
      return [options](Session& running) { return get(*options, running); };
    }};

constinit const Command state_set_command{
    "state", "set", "Set a path of a running engine's state; print the version that holds it",
    "  theus state set domain.limit 5\n"
    "  theus state set domain.name Ada --reason 'the form was wrong'\n"
    "  theus state set domain.order '{\"id\": 7}' --expected 41\n"
    "What is no JSON and begins with none of { [ \" is taken as a text: Ada means \"Ada\".",
    [](CLI::App& parser, const Session&) -> Action {
      auto options = std::make_shared<SetCommand>();
      parser.add_option("PATH", options->path, "What to set")->required()->check(wrong_with_path);
      parser.add_option("VALUE", options->value, "JSON, or a bare word as a text")->required()->check(wrong_with_json);
      parser.add_option("--expected", options->expected, "Refuse when the path changed after this version")
          ->type_name("VERSION")
          ->check(CLI::NonNegativeNumber);
      parser.add_option("--reason", options->reason, "Why; goes into the engine's audit log")->type_name("TEXT");
      add_attach_option(parser, options->handle);
      return [options](Session& running) { return set(*options, running); };
    }};

}  // namespace theus::cli
