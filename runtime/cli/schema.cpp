#include <theus/escape.hpp>
#include <theus/state_schema.hpp>

#include <CLI/CLI.hpp>

#include "runtime/cli/attachment.hpp"
#include "runtime/cli/module_run.hpp"
#include "runtime/cli/new_file.hpp"

namespace theus::cli {
namespace {

constexpr const char* usual_file = "specs/context_schema.yaml";

struct Options {
  std::string file = usual_file;
  std::string handle;
  ModuleRun run;
  bool is_forced = false;
  std::string output;
  std::string space;
};

/// The whole state of the running engine.
Result<Value> live_state(const std::string& handle) {
  auto engine = attach(handle);
  if (!engine)
    return engine.error();
  const auto found = engine->get(Path{});
  return found ? Result<Value>{found->value.value_or(Value::map())} : found.error();
}

Result<Report> write_draft(const Options& options, const StateSchema& draft) {
  if (draft.empty())
    return Error{Errc::bad_argument, "theus schema gen", "there is no state to describe",
                 "Run a workflow first (--run), or set a value in the running engine"};
  const std::string text =
      "# Drafted from a state: add bounds, patterns and what may be absent.\n" + schema_yaml(draft.document());
  if (Status written = write_new_file(options.file, text, options.is_forced); !written)
    return written.error();
  Value paths = Value::list();
  for (const auto& [path, schema] : draft.schemas())
    paths.push_back(path.text());
  return Report{{{"file", options.file}, {"paths", paths}}, escaped(options.file) + "\n"};
}

Result<Report> generate(const Options& options, Session& session) {
  if (!options.run.is_wanted()) {
    const auto state = live_state(options.handle);
    return state ? write_draft(options, inferred_state_schema(*state)) : state.error();
  }
  // What modules declare is said better than what can be told from values.
  return look_at_run(options.run, session, [&](const Engine& engine, const Snapshot&) {
    StateSchema draft = inferred_state_schema(engine.state().find(Path{}).value_or(Value::map()));
    return write_draft(options, draft.join(engine.schema()));
  });
}

Result<Report> code(const Options& options, const Session&) {
  const auto schema = StateSchema::load(options.file);
  if (!schema)
    return schema.error();
  const auto text = schema_code(*schema, options.space);
  if (!text)
    return text.error();
  if (options.output.empty())
    return Report{{{"code", *text}}, *text};
  if (Status written = write_new_file(options.output, *text, options.is_forced); !written)
    return written.error();
  return Report{{{"file", options.output}}, escaped(options.output) + "\n"};
}

Report fitting(const Options& options, const char* what) {
  return {{{"schema", options.file}, {"valid", true}, {"checked", what}},
          escaped(options.file) + ": valid, and " + what + " fits\n"};
}

Result<Report> check(const Options& options, bool attached, Session& session) {
  const auto schema = StateSchema::load(options.file);
  if (!schema)
    return schema.error();
  if (attached) {
    const auto state = live_state(options.handle);
    if (!state)
      return state.error();
    const Status fits = schema->check(Path{}, *state);
    return fits ? Result<Report>{fitting(options, "the live state")} : fits.error();
  }
  if (options.run.is_wanted())
    return look_at_run(options.run, session, [&](const Engine& engine, const Snapshot&) -> Result<Report> {
      const Status fits = schema->check(engine.state());
      return fits ? Result<Report>{fitting(options, "the state")} : fits.error();
    });
  return Report{{{"schema", options.file}, {"valid", true}, {"checked", "nothing"}},
                escaped(options.file) + ": valid; give --module or --attach to check a state too\n"};
}

void add_file(CLI::App& parser, Options& options, const char* what) {
  parser.add_option("FILE", options.file, what)->capture_default_str();
}

void add_force(CLI::App& parser, Options& options) {
  parser.add_flag("--force", options.is_forced, "Replace the file if it is there");
}

}  // namespace

constinit const Command schema_gen_command{
    "schema", "gen", "Draft a schema from the state of a running engine, or from what modules make and declare",
    "  theus schema gen\n"
    "  theus schema gen --module build/libshop.so --run flow.yaml\n"
    "  theus schema gen specs/draft.yaml --force",
    [](CLI::App& parser, const Session& session) -> Action {
      auto options = std::make_shared<Options>();
      add_file(parser, *options, "The schema file to write");
      CLI::Option& attach = add_attach_option(parser, options->handle);
      add_module_run(parser, options->run, session);
      attach.excludes("--module")->excludes("--run");
      add_force(parser, *options);
      return [options](Session& running) { return generate(*options, running); };
    }};

constinit const Command schema_code_command{
    "schema", "code", "Print C++ structs of a schema, from which the same schema is made again",
    "  theus schema code > src/context_schema.hpp\n"
    "  theus schema code specs/context_schema.yaml --namespace shop --output src/context_schema.hpp --force",
    [](CLI::App& parser, const Session&) -> Action {
      auto options = std::make_shared<Options>();
      add_file(parser, *options, "The schema file");
      parser.add_option("--output", options->output, "Write the header there")->type_name("FILE");
      parser.add_option("--namespace", options->space, "The namespace of the structs")->type_name("NAME");
      add_force(parser, *options);
      return [options](Session& running) { return code(*options, running); };
    }};

constinit const Command schema_check_command{
    "schema", "check", "Check a schema file, and whether a state fits it; report everything that is wrong at once",
    "  theus schema check\n"
    "  theus schema check specs/context_schema.yaml --attach unix:/home/me/shop/.theus/engine-4711\n"
    "  theus schema check --module build/libshop.so --run flow.yaml --json\n"
    "Exit codes: 0 all fits, 1 the state does not fit, 3 the file is no schema.",
    [](CLI::App& parser, const Session& session) -> Action {
      auto options = std::make_shared<Options>();
      add_file(parser, *options, "The schema file");
      CLI::Option& attach = add_attach_option(parser, options->handle);
      add_module_run(parser, options->run, session);
      attach.excludes("--module")->excludes("--run");
      return [options, &attach](Session& running) { return check(*options, attach.count() > 0, running); };
    }};

}  // namespace theus::cli
