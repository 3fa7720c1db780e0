#include <theus/escape.hpp>
#include <theus/json.hpp>

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
};

Result<Report> reading(const std::string& path, const std::optional<Value>& value, Version version) {
  if (!value)
    return Error{Errc::bad_argument, path, "there is nothing at this path",
                 "theus state get without a path shows the whole state"}
        .with("version", version);
  return Report{{{"path", path}, {"value", *value}, {"version", version}}, escaped(to_json(*value)) + "\n"};
}

Result<Report> get(const GetOptions& options, Session& session) {
  if (options.run.is_wanted())
    return look_at_run(options.run, session, [&](const Engine& engine, const Snapshot&) {
      const Snapshot state = engine.state();
      return reading(options.path, state.find(options.path), state.version());
    });
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
    "  theus state get domain --attach unix:/home/me/shop/.theus/engine-4711",
    [](CLI::App& parser, const Session& session) -> Action {
      auto options = std::make_shared<GetOptions>();
      parser.add_option("PATH", options->path, "What to print; the whole state when left out")->check(wrong_with_path);
      CLI::Option& attach = add_attach_option(parser, options->handle);
      add_module_run(parser, options->run, session);
      attach.excludes("--module")->excludes("--run");
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
