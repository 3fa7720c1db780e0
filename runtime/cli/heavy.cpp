#include <theus/diagnosis.hpp>
#include <theus/escape.hpp>

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <algorithm>

#include "runtime/cli/attachment.hpp"
#include "runtime/cli/command.hpp"
#include "runtime/cli/interrupts.hpp"
#include "runtime/cli/screen.hpp"

namespace theus::cli {
namespace {

struct HeavyCommand {
  std::string handle;
  double age = 60;      ///< seconds
  double interval = 1;  ///< seconds
  std::size_t buffers_max = 100;
  bool wants_places = false;
};

Result<HeavyReport> ask(const HeavyCommand& options, const HeavyQuery& query) {
  auto engine = attach(options.handle);
  if (!engine)
    return engine.error();
  return engine->heavy_report(query);
}

std::string size_text(std::uint64_t bytes) {
  constexpr double kibibyte = 1024;
  double size = static_cast<double>(bytes);
  constexpr std::string_view units[] = {"B", "KiB", "MiB", "GiB"};
  std::size_t unit = 0;
  for (; size >= kibibyte && unit + 1 < std::size(units); ++unit)
    size /= kibibyte;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", size, units[unit]);
}

std::string shape_text(const HeavyBufferInfo& buffer) {
  std::string text{to_string(buffer.type)};
  for (std::size_t i = 0; i < buffer.shape.dimensions(); ++i)
    text += (i == 0 ? "[" : "x") + std::to_string(buffer.shape[i]);
  return text + "]";
}

Value names_in(const std::vector<std::string>& names) {
  Value list = Value::list();
  for (const std::string& name : names)
    list.push_back(name);
  return list;
}

Value data_of(const HeavyBufferInfo& buffer) {
  return {{"block", buffer.block},          {"segment", buffer.segment},       {"owner", buffer.owner},
          {"type", to_string(buffer.type)}, {"shape", to_value(buffer.shape)}, {"bytes", buffer.bytes},
          {"holds", buffer.holds},          {"leases", buffer.leases},         {"state", to_string(buffer.state)}};
}

Value data_of(const HeavyHolder& holder) {
  return {{"pid", holder.pid},
          {"leases", holder.leases},
          {"bytes", holder.bytes},
          {"age_s", std::chrono::duration<double>(holder.age).count()},
          {"is_over", holder.is_over}};
}

std::string line_of(const HeavyHolder& holder) {
  return fmt::format("{:>8} {:>7} {:>11} {:>9.1f} s{}\n", holder.pid, holder.leases, size_text(holder.bytes),
                     std::chrono::duration<double>(holder.age).count(), holder.is_over ? "  over" : "");
}

constexpr std::string_view holder_heading = "     pid  leases       bytes    oldest\n";

/// A line for each place that is known, and one for those that are not.
std::string lines_of_places(const HeavyBufferInfo& buffer) {
  std::string text;
  for (const std::string& path : buffer.paths)
    text += fmt::format("{:>9}{}\n", "", escaped(path));
  if (buffer.places > buffer.paths.size())
    text += fmt::format("{:>9}and {} more\n", "", buffer.places - buffer.paths.size());
  return text;
}

Result<Report> list(const HeavyCommand& options, const Session& session) {
  const auto report = ask(options, {.buffers_max = options.buffers_max, .wants_places = options.wants_places});
  if (!report)
    return report.error();
  if (options.wants_places && !report->has_places && !session.json)
    session.console.say("the state is too large to be looked through for what names the buffers");
  Value buffers = Value::list();
  std::string text = fmt::format("{:>7} {:>11} {:<22} {:<9} {:<12} {:>5} {:>6}\n", "block", "bytes", "elements",
                                 "state", "owner", "holds", "leases");
  for (const HeavyBufferInfo& each : report->buffers) {
    Value data = data_of(each);
    if (report->has_places) {
      data.set("places", each.places);
      data.set("paths", names_in(each.paths));
    }
    buffers.push_back(std::move(data));
    text += fmt::format("{:>7} {:>11} {:<22} {:<9} {:<12} {:>5} {:>6}\n", each.block, size_text(each.bytes),
                        shape_text(each), to_string(each.state), escaped(each.owner), each.holds, each.leases);
    text += lines_of_places(each);
  }
  const std::uint64_t listed = report->buffers.size() + report->omitted;
  const std::uint64_t building = report->statistics.buffers - std::min(report->statistics.buffers, listed);
  text += fmt::format("{} buffers, {} not shown, {} being built\n", listed + building, report->omitted, building);
  return Report{{{"buffers", buffers}, {"omitted", report->omitted}, {"being_built", building}}, std::move(text)};
}

Report top_of(const HeavyReport& report) {
  const HeavyStatistics& now = report.statistics;
  Value holders = Value::list();
  std::string text = fmt::format(
      "{} of {} used by {} buffers, {} reserved; {} lent only\n{} readers, {} leases lost with their process; "
      "{} buffers recycled, {} refused, {} copied in{}\n",
      size_text(now.bytes_used), size_text(now.bytes_max), now.buffers, size_text(now.bytes_reserved), now.lent_only,
      now.consumers, now.lost_leases, now.recycled, now.refused, size_text(now.bytes_copied),
      now.huge_pages ? "" : "; no huge pages");
  if (!report.holders.empty())
    text += holder_heading;
  for (const HeavyHolder& each : report.holders) {
    holders.push_back(data_of(each));
    text += line_of(each);
  }
  return Report{{{"bytes_used", now.bytes_used},
                 {"bytes_reserved", now.bytes_reserved},
                 {"bytes_max", now.bytes_max},
                 {"bytes_copied", now.bytes_copied},
                 {"buffers", now.buffers},
                 {"lent_only", now.lent_only},
                 {"readers", now.consumers},
                 {"recycled", now.recycled},
                 {"refused", now.refused},
                 {"lost_leases", now.lost_leases},
                 {"huge_pages", now.huge_pages},
                 {"holders", holders}},
                std::move(text)};
}

/// Once; on a terminal again and again, until the user has seen enough.
Result<Report> top(const HeavyCommand& options, Session& session) {
  auto engine = attach(options.handle);
  if (!engine)
    return engine.error();
  const HeavyQuery query{.age_max = duration_of(options.age), .buffers_max = 0};
  if (session.json || !Screen::is_possible()) {
    const auto report = engine->heavy_report(query);
    return report ? Result<Report>{top_of(*report)} : Result<Report>{report.error()};
  }
  const Screen screen;
  const HeldSignals held;
  const Interrupts interrupts{held, [&] {
                                engine->interrupt();
                                screen.end();
                              }};
  do {
    const auto report = engine->heavy_report(query);
    if (!report && !interrupts.caught())
      return report.error();
    if (!report || screen.show(top_of(*report).text + "\nq ends it\n"))
      break;
  } while (screen.wait(duration_of(options.interval)));
  session.interrupted = interrupts.caught();
  return Report{.is_printed = true};
}

/// Leases that are old, and segments of the dead. Without an engine the latter are all that there can be.
Result<Report> leaks(const HeavyCommand& options, const Session&) {
  const auto report = ask(options, {.age_max = duration_of(options.age), .buffers_max = 0});
  const bool nobody_runs = !report && options.handle.empty() && report.error().code() == Errc::owner_down;
  if (!report && !nobody_runs)
    return report.error();
  Value holders = Value::list();
  std::string text;
  if (report)
    for (const HeavyHolder& each : report->holders)
      if (each.is_over) {
        text += holders.empty() ? holder_heading : std::string_view{};
        holders.push_back(data_of(each));
        text += line_of(each);
      }
  const NamedSegments segments = find_named_segments();
  for (const std::string& name : segments.dead)
    text += fmt::format("segment of a dead process: {}\n", escaped(name));
  if (text.empty())
    text = nobody_runs ? "no leaks; no engine runs here\n" : "no leaks\n";
  const bool leaks = !holders.empty() || !segments.dead.empty();
  return Report{.data = {{"engine", !nobody_runs},
                         {"holders", holders},
                         {"dead_segments", names_in(segments.dead)},
                         {"dead_bytes", segments.dead_bytes}},
                .text = std::move(text),
                .is_bad_news = leaks};
}

Report reap(bool only_looks) {
  const NamedSegments found = only_looks ? find_named_segments() : remove_dead_segments();
  std::string text;
  for (const std::string& name : found.dead)
    text += fmt::format("{} {}\n", only_looks ? "would remove" : "removed", escaped(name));
  text += fmt::format("{} of dead processes, {}; {} of living ones stay\n", found.dead.size(),
                      size_text(found.dead_bytes), found.alive);
  return {
      {{only_looks ? "found" : "removed", names_in(found.dead)}, {"bytes", found.dead_bytes}, {"alive", found.alive}},
      std::move(text)};
}

void add_age(CLI::App& parser, HeavyCommand& options) {
  parser.add_option("--age", options.age, "Leases older than this are over")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 30.0 * 24 * 3600))
      ->capture_default_str();
}

}  // namespace

constinit const Command heavy_ls_command{
    "heavy", "ls", "List the heavy buffers of a running engine, the largest first",
    "  theus heavy ls\n"
    "  theus heavy ls --max 10 --json | jq '.buffers[].bytes'\n"
    "  theus heavy ls --places\n"
    "Holds are what keeps a buffer in the engine, leases are of other processes that read it. A buffer that no path "
    "of\n"
    "the newest state names is held by an older version, by a view or by a program's own Value.",
    [](CLI::App& parser, const Session&) -> Action {
      auto options = std::make_shared<HeavyCommand>();
      parser.add_option("--max", options->buffers_max, "List so many at most")
          ->type_name("N")
          ->check(CLI::Range(1, 10'000))
          ->capture_default_str();
      parser.add_flag("--places", options->wants_places,
                      "Also tell where the state names them; the engine reads all of it for that");
      add_attach_option(parser, options->handle);
      return [options](Session& running) { return list(*options, running); };
    }};

constinit const Command heavy_top_command{
    "heavy", "top", "Show how full a running engine's heavy zone is, and which processes read most of it",
    "  theus heavy top\n"
    "  theus heavy top --interval 0.2\n"
    "  theus heavy top --age 5 --json | jq .holders\n"
    "On a terminal it goes on until q or Ctrl-C; elsewhere, and with --json, it is printed once.",
    [](CLI::App& parser, const Session&) -> Action {
      auto options = std::make_shared<HeavyCommand>();
      add_age(parser, *options);
      parser.add_option("--interval", options->interval, "Look so often")
          ->type_name("SECONDS")
          ->check(CLI::Range(0.05, 3600.0))
          ->capture_default_str();
      add_attach_option(parser, options->handle);
      return [options](Session& running) { return top(*options, running); };
    }};

constinit const Command heavy_leaks_command{
    "heavy", "leaks",
    "Name processes that sit on heavy buffers, and segments of dead ones; end with 1 if there are any",
    "  theus heavy leaks\n"
    "  theus heavy leaks --age 5\n"
    "Nothing is taken away from a living process. `theus heavy reap` removes segments of dead ones.",
    [](CLI::App& parser, const Session&) -> Action {
      auto options = std::make_shared<HeavyCommand>();
      add_age(parser, *options);
      add_attach_option(parser, options->handle);
      return [options](Session& running) { return leaks(*options, running); };
    }};

constinit const Command heavy_reap_command{
    "heavy", "reap", "Remove heavy segments in /dev/shm that dead processes of this user left",
    "  theus heavy reap --dry-run\n"
    "  theus heavy reap\n"
    "Only segments with names are left behind by a crash (HeavyOptions::named_segments), and the next engine that "
    "uses\n"
    "such segments removes them as well.",
    [](CLI::App& parser, const Session&) -> Action {
      auto only_looks = std::make_shared<bool>(false);
      parser.add_flag("--dry-run", *only_looks, "Only tell what would be removed");
      return [only_looks](Session&) -> Result<Report> { return reap(*only_looks); };
    }};

}  // namespace theus::cli
