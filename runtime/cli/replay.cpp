#include <theus/replay.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "runtime/cli/command.hpp"
#include "runtime/cli/modules.hpp"
#include "runtime/cli/reports.hpp"

namespace theus::cli {
namespace {

struct ReplayCommand {
  std::string journal;
  std::optional<Version> to;
  bool verify = false;
  bool rerun = false;
  std::vector<std::string> modules;
};

struct DiffCommand {
  std::string journal;
  std::vector<std::string> others;  // two versions, or another journal
  std::size_t limit = 1000;
};

Value data_of(const ReplayReport& report) {
  Value causes = Value::map();
  for (const auto& [cause, commits] : report.causes)
    causes.set(cause, commits);
  return {{"from", report.from},
          {"version", report.version},
          {"commits", report.commits},
          {"causes", causes},
          {"checkpoints", report.checkpoints},
          {"runs", report.runs},
          {"digest", report.digest.text()}};
}

std::string text_of(const ReplayReport& report, const ReplayCommand& options) {
  std::string text = fmt::format("version {}, digest {}\n", report.version, report.digest.text());
  if (!options.verify && !options.rerun)
    return text;
  text += fmt::format("{} commits after version {}, whole and unaltered", report.commits, report.from);
  std::string causes;
  for (const auto& [cause, commits] : report.causes)
    causes += fmt::format("{}{} {}", causes.empty() ? ": " : ", ", commits, cause);
  text += causes + "\n";
  text += fmt::format("{} checkpoints with the digest of the state\n", report.checkpoints);
  if (options.rerun)
    text += fmt::format("{} bodies ran again and wanted what was committed\n", report.runs);
  return text;
}

Result<Report> replay(const ReplayCommand& options, Session& session) {
  ReplayOptions wanted{.to = options.to, .from_nearest = !options.verify && !options.rerun};
  if (options.rerun)
    wanted.definitions = [&](Engine& engine) { return load_modules(engine, session.registry, options.modules); };
  const auto report = theus::replay(options.journal, wanted);
  if (!report)
    return report.error();
  return Report{data_of(*report), text_of(*report, options)};
}

struct Compared {
  Snapshot before;
  Snapshot after;
};

Result<Version> version_of(const std::string& text) {
  const auto parsed = CLI::detail::lexical_cast<Version>;
  Version version = 0;
  if (text.empty() || text.front() == '-' || !parsed(text, version))
    return Error{Errc::bad_argument, "theus diff", "'" + text + "' is no version", "Give two versions of the journal"};
  return version;
}

Result<Snapshot> newest_of(const std::string& journal) {
  const auto extent = journal_extent(journal);
  return extent ? state_at(journal, extent->newest) : Result<Snapshot>{extent.error()};
}

Result<Compared> compared(const DiffCommand& options) {
  if (options.others.size() == 1) {
    auto before = newest_of(options.journal);
    if (!before)
      return before.error();
    auto after = newest_of(options.others.front());
    return after ? Result<Compared>{Compared{*std::move(before), *std::move(after)}} : Result<Compared>{after.error()};
  }
  std::vector<Snapshot> states;
  for (const std::string& text : options.others) {
    const auto version = version_of(text);
    if (!version)
      return version.error();
    auto state = state_at(options.journal, *version);
    if (!state)
      return state.error();
    states.push_back(*std::move(state));
  }
  return Compared{states[0], states[1]};
}

Result<Report> diff(const DiffCommand& options, Session& session) {
  const auto states = compared(options);
  if (!states)
    return states.error();
  const Diff found = theus::diff(states->before, states->after, {}, {.entries_max = options.limit});
  Value differences = Value::list();
  std::string text;
  for (const Difference& difference : found.entries) {
    differences.push_back(data_of(difference));
    text += to_text(difference) + "\n";
  }
  if (found.omitted > 0 && !session.json)
    session.console.say(fmt::format("{} more; --limit shows them", found.omitted));
  return Report{{{"since", states->before.version()},
                 {"version", states->after.version()},
                 {"differences", differences},
                 {"omitted", found.omitted}},
                text};
}

}  // namespace

constinit const Command replay_command{
    "", "replay", "Rebuild the state that a journal tells, verify it, run its bodies again",
    "  theus replay run.journal --to 41\n"
    "  theus replay run.journal --verify\n"
    "  theus replay run.journal --rerun --module build/libshop.so\n"
    "  theus replay run.journal --rerun --module ./libshop.so --json | jq .error.fields.diff\n"
    "Nothing is written, and an engine may use the journal meanwhile. --rerun ends with 1 at the first commit that\n"
    "comes out differently, and tells what; what came from outside is taken as it was committed.",
    [](CLI::App& parser, const Session& session) -> Action {
      auto options = std::make_shared<ReplayCommand>();
      parser.add_option("JOURNAL", options->journal, "The journal's file")->required();
      parser.add_option("--to", options->to, "Stop at this version; at the newest when left out")
          ->type_name("VERSION")
          ->check(CLI::NonNegativeNumber);
      parser.add_flag("--verify", options->verify,
                      "Begin at the oldest version that is kept; check all records and the digest at each checkpoint");
      CLI::Option* rerun =
          parser.add_flag("--rerun", options->rerun, "Run bodies again and compare what they want; verifies as well");
      CLI::Option& modules = add_module_option(parser, options->modules);
      modules.needs(rerun);
      if (session.registry == nullptr)
        rerun->needs(&modules);
      return [options](Session& running) { return replay(*options, running); };
    }};

constinit const Command diff_command{
    "", "diff", "Print what two versions of a journal, or the ends of two journals, differ in",
    "  theus diff run.journal 10 20\n"
    "  theus diff yesterday.journal today.journal --json",
    [](CLI::App& parser, const Session&) -> Action {
      constexpr std::size_t limit_max = 1'000'000;
      auto options = std::make_shared<DiffCommand>();
      parser.add_option("JOURNAL", options->journal, "The journal's file")->required();
      parser.add_option("OTHER", options->others, "Two versions, or another journal")->required()->expected(1, 2);
      parser.add_option("--limit", options->limit, "Print at most so many differences")
          ->type_name("N")
          ->check(CLI::Range(std::size_t{1}, limit_max))
          ->capture_default_str();
      return [options](Session& running) { return diff(*options, running); };
    }};

}  // namespace theus::cli
