#include <theus/json.hpp>

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include "runtime/cli/attachment.hpp"
#include "runtime/cli/interrupts.hpp"
#include "runtime/cli/module_run.hpp"
#include "runtime/cli/reports.hpp"

namespace theus::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct WatchCommand {
  std::vector<std::string> paths;
  std::string handle;
  std::optional<Version> since;
  double seconds = 0;
  std::size_t count = 0;
};

struct DiffCommand {
  std::vector<std::string> paths;
  std::string handle;
  ModuleRun run;
  double seconds = 0;
  std::size_t limit = 1000;
};

/// The root when none is given.
std::vector<Path> paths_of(const std::vector<std::string>& texts) {
  if (texts.empty())
    return {Path{}};
  return {texts.begin(), texts.end()};
}

/// Prints changes as they come, one per line.
class ChangePrinter {
public:
  ChangePrinter(Session& session, std::size_t lines_max) : session_(session), lines_max_(lines_max) {}

  bool is_full() const noexcept { return lines_max_ > 0 && lines_ == lines_max_; }
  std::size_t lines() const noexcept { return lines_; }

  Status print(const Changes& changes) {
    std::string text;
    for (const Difference& difference : changes.diff.entries) {
      if (is_full())
        break;
      text += line_of(changes, difference) + "\n";
      ++lines_;
    }
    if (changes.diff.omitted > 0 && !session_.json)
      session_.console.say(fmt::format("{} further changes up to version {}", changes.diff.omitted, changes.version));
    if (const auto failed = write_all(STDOUT_FILENO, text))
      return Error{Errc::cancelled, "standard output", failed.message() + "; what was printed is not whole"};
    return {};
  }

private:
  std::string line_of(const Changes& changes, const Difference& difference) const {
    if (!session_.json)
      return fmt::format("{} {}", changes.version, to_text(difference));
    Value line = data_of(difference);
    line.set("since", changes.since);
    line.set("version", changes.version);
    return to_json(line);
  }

  Session& session_;
  const std::size_t lines_max_;
  std::size_t lines_ = 0;
};

Status print_changes(AttachedEngine& engine, ChangePrinter& printer, Clock::time_point end) {
  constexpr std::chrono::milliseconds longest = std::chrono::hours{1};
  while (!printer.is_full()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0)
      return {};
    const auto changes = engine.next(std::min(left, longest));
    if (!changes && changes.error().code() == Errc::timeout)
      continue;
    if (!changes)
      return changes.error();
    if (Status printed = printer.print(*changes); !printed)
      return printed;
  }
  return {};
}

Result<Report> watch(const WatchCommand& options, Session& session) {
  auto engine = attach(options.handle);
  if (!engine)
    return engine.error();
  const HeldSignals held;
  const Interrupts interrupts{held, [&] { engine->interrupt(); }};
  const auto from = engine->watch(paths_of(options.paths), options.since);
  if (!from)
    return from.error();
  if (!session.json)
    session.console.say(fmt::format("watching from version {} on", *from));
  ChangePrinter printer{session, options.count};
  const auto end = options.seconds > 0 ? Clock::now() + duration_of(options.seconds) : Clock::time_point::max();
  const Status printed = print_changes(*engine, printer, end);
  session.interrupted = interrupts.caught();
  if (!printed && !session.interrupted)
    return printed.error();
  return Report{.is_printed = true};
}

Report report_of(const Changes& changes, const Session& session) {
  Value differences = Value::list();
  std::string text;
  for (const Difference& difference : changes.diff.entries) {
    differences.push_back(data_of(difference));
    text += to_text(difference) + "\n";
  }
  if (changes.diff.omitted > 0 && !session.json)
    session.console.say(fmt::format("{} more; --limit shows them", changes.diff.omitted));
  return {{{"since", changes.since},
           {"version", changes.version},
           {"differences", differences},
           {"omitted", changes.diff.omitted}},
          text};
}

Changes changes_of_run(const DiffCommand& options, const Snapshot& before, const Snapshot& after) {
  Changes changes{before.version(), after.version(), {}};
  for (const Path& path : paths_of(options.paths)) {
    Diff found = diff(before, after, path, {.entries_max = options.limit - changes.diff.entries.size()});
    changes.diff.omitted += found.omitted;
    std::ranges::move(found.entries, std::back_inserter(changes.diff.entries));
  }
  return changes;
}

Result<Report> changes_of_time(const DiffCommand& options, Session& session) {
  auto engine = attach(options.handle);
  if (!engine)
    return engine.error();
  const auto marked = engine->mark();
  if (!marked)
    return marked.error();
  if (!session.json)
    session.console.say(fmt::format("comparing with version {}", *marked));
  // Nothing is watched, so all that can come is the engine's end.
  if (const auto ended = engine->next(duration_of(options.seconds)); !ended && ended.error().code() != Errc::timeout)
    return ended.error();
  const auto changes = engine->changes(paths_of(options.paths), options.limit);
  if (!changes)
    return changes.error();
  return report_of(*changes, session);
}

Result<Report> diff(const DiffCommand& options, Session& session) {
  if (options.run.is_wanted())
    return look_at_run(options.run, session, [&](const Engine& engine, const Snapshot& before) {
      return Result<Report>{report_of(changes_of_run(options, before, engine.state()), session)};
    });
  return changes_of_time(options, session);
}

}  // namespace

constinit const Command state_watch_command{
    "state", "watch", "Print what changes in a running engine's state, one line per change",
    "  theus state watch domain.orders\n"
    "  theus state watch domain.orders domain.stock --for 10\n"
    "  theus state watch --count 1 --json | jq .after\n"
    "A line has the version, then + (added), - (removed) or ~ (changed). Commits that follow each other within 10 ms "
    "may\n"
    "be told as one. Ends with 130 on SIGINT and SIGTERM, and with 4 when the engine goes away.",
    [](CLI::App& parser, const Session&) -> Action {
      auto options = std::make_shared<WatchCommand>();
      parser.add_option("PATH", options->paths, "What to watch; the whole state when left out")->check(wrong_with_path);
      add_seconds_option(parser, options->seconds, "End after so long");
      parser.add_option("--count", options->count, "End after so many changes")
          ->type_name("N")
          ->check(CLI::PositiveNumber);
      parser.add_option("--since", options->since, "Tell first which of the paths changed after this version")
          ->type_name("VERSION")
          ->check(CLI::NonNegativeNumber);
      add_attach_option(parser, options->handle);
      return [options](Session& running) { return watch(*options, running); };
    }};

constinit const Command state_diff_command{
    "state", "diff", "Print what changed in a running engine's state in some seconds, or what a workflow changes",
    "  theus state diff --for 5\n"
    "  theus state diff domain.orders --for 0.5 --json\n"
    "  theus state diff --module build/libshop.so --run flow.yaml",
    [](CLI::App& parser, const Session& session) -> Action {
      constexpr std::size_t limit_max = 10'000;
      auto options = std::make_shared<DiffCommand>();
      parser.add_option("PATH", options->paths, "What to compare; the whole state when left out")
          ->check(wrong_with_path);
      CLI::Option& seconds = add_seconds_option(parser, options->seconds, "Compare with the state after so long");
      parser.add_option("--limit", options->limit, "Print at most so many differences")
          ->type_name("N")
          ->check(CLI::Range(std::size_t{1}, limit_max))
          ->capture_default_str();
      CLI::Option& attach = add_attach_option(parser, options->handle);
      add_module_run(parser, options->run, session);
      CLI::Option* run = parser.get_option("--run");
      attach.excludes("--module")->excludes(run);
      seconds.excludes("--module")->excludes(run);
      parser.callback([&seconds, run] {
        if (seconds.count() == 0 && run->count() == 0)
          throw CLI::RequiredError("--for SECONDS or --run WORKFLOW");
      });
      return [options](Session& running) { return diff(*options, running); };
    }};

}  // namespace theus::cli
