#include <theus/digest.hpp>
#include <theus/engine.hpp>
#include <theus/json.hpp>

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include "club.hpp"
#include "live_line.hpp"
#include "ring.hpp"

namespace {

using theus::Result;
using theus::Value;

struct Options {
  std::string workflow = KARATE_WORKFLOW;
  std::size_t agents = 0;  // 0: the club
  int rounds = 100;
  int processes = 1;
  std::string folder = ".theus";
  bool json = false;
  std::string journal;
};

/// What is printed at the end: results to stdout, in one form or the other, and timings to stderr.
struct Report {
  Value data;
  std::string text;
  std::string timing;
};

class Stopwatch {
public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

std::int64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * std::int64_t{1024};
}

/// Others can join it only where they are to.
theus::EngineOptions engine_options(const Options& options) {
  theus::EngineOptions terms;
  terms.journal = {.path = options.journal, .level = theus::Durability::os};
  if (options.processes > 1)
    terms.attach.folder = options.folder;
  return terms;
}

/// Starts the other processes, which step their share of the agents that `members` spawns there.
theus::Status spread(theus::Engine& engine, const Options& options, std::string_view members) {
  std::string pids;
  for (int i = 1; i < options.processes; ++i) {
    // However many of them are killed: another one comes.
    const auto process = engine.spawn_process(members, {.restarts = {.times = 100'000}});
    if (!process)
      return process.error();
    pids += fmt::format(", {}", process->status().pid);
  }
  if (options.processes > 1)
    fmt::print(stderr, "processes: {}{}\n", getpid(), pids);
  return {};
}

/// Who has stepped how many agents.
void tell_hosts(const theus::Engine& engine, Report& report) {
  const auto hosts = engine.round_hosts();
  std::uint64_t restarts = 0;
  for (const auto& process : engine.spawned_processes())
    restarts += process.restarts;
  Value processes = Value::list();
  for (const auto& host : hosts) {
    processes.push_back(
        {{"pid", host.pid}, {"agents", host.agents}, {"last_round", host.last_round}, {"steps", host.steps}});
    if (hosts.size() > 1)
      report.timing += fmt::format("process {}: {} agents in the last round, {} steps in all\n", host.pid,
                                   host.last_round, host.steps);
  }
  if (restarts > 0)
    report.timing += fmt::format("processes started again: {}\n", restarts);
  report.data.set("processes", processes);
  report.data.set("restarts", restarts);
}

/// The end of both reports: the version and the digest of what the state holds, and how fast it came about.
Result<Report> finished(const theus::Engine& engine, Report report, double agent_commits, double seconds) {
  const theus::Snapshot state = engine.state();
  const auto domain = state.get("domain");
  if (!domain)
    return domain.error();
  const std::string digest = theus::digest(*domain).text();
  report.text += fmt::format("version {}, digest {}\n", state.version(), digest);
  report.timing = fmt::format("{:.3f} s, {:.0f} agent commits/s\n", seconds, agent_commits / seconds) + report.timing;
  report.data.set("version", state.version());
  report.data.set("digest", digest);
  report.data.set("seconds", seconds);
  report.data.set("agent_commits_per_second", agent_commits / seconds);
  tell_hosts(engine, report);
  return report;
}

Report report_of(const karate::Verdict& verdict) {
  Value members = Value::list();
  Value missed = Value::list();
  std::string text = "member  opinion  predicted   recorded\n";
  for (const auto& member : verdict.members) {
    const bool right = member.predicted == member.recorded;
    members.push_back({{"member", member.number},
                       {"opinion", member.opinion},
                       {"predicted", member.predicted},
                       {"recorded", member.recorded}});
    if (!right)
      missed.push_back(member.number);
    text += fmt::format("{:6}  {:+7.3f}  {:10}  {}{}\n", member.number, member.opinion, member.predicted,
                        member.recorded, right ? "" : "  (missed)");
  }
  text += fmt::format("{} of {} predicted as recorded, after {} rounds\n", verdict.right(), verdict.members.size(),
                      verdict.rounds);
  return {{{"members", members},
           {"right", verdict.right()},
           {"missed", missed},
           {"rounds", verdict.rounds},
           {"largest_move", verdict.largest_move}},
          text,
          {}};
}

Result<Report> simulate_club(const Options& options) {
  theus::Engine engine{engine_options(options)};
  if (auto founded = karate::found_club(engine); !founded)
    return founded.error();
  if (auto spreading = spread(engine, options, "club"); !spreading)
    return spreading.error();
  const karate::LiveLine live{engine.signals(), engine.agents().size()};

  const Stopwatch stopwatch;
  const auto run = engine.execute_workflow(options.workflow);
  const double seconds = stopwatch.seconds();
  engine.signals().close();
  if (!run)
    return run.error();

  const auto verdict = karate::judge(engine.state());
  if (!verdict)
    return verdict.error();
  const double agent_commits = static_cast<double>(engine.agents().size()) * verdict->rounds;
  return finished(engine, report_of(*verdict), agent_commits, seconds);
}

Result<Report> simulate_ring(const Options& options) {
  const std::int64_t memory_before = peak_memory_bytes();
  theus::Engine engine{engine_options(options)};
  const Stopwatch forming;
  if (auto formed = karate::form_ring(engine, options.agents); !formed)
    return formed.error();
  if (auto spreading = spread(engine, options, "ring"); !spreading)
    return spreading.error();
  const double seconds_forming = forming.seconds();
  const karate::LiveLine live{engine.signals(), options.agents};

  const Stopwatch stopwatch;
  const auto turned = karate::turn_ring(engine, options.rounds);
  const double seconds = stopwatch.seconds();
  engine.signals().close();
  if (!turned)
    return turned.error();

  const auto agents = static_cast<std::int64_t>(options.agents);
  const std::int64_t bytes_per_agent = (peak_memory_bytes() - memory_before) / agents;
  Report report{{{"agents", agents},
                 {"rounds", options.rounds},
                 {"seconds_forming", seconds_forming},
                 {"peak_bytes_per_agent", bytes_per_agent}},
                fmt::format("{} agents, {} rounds\n", agents, options.rounds),
                fmt::format("{:.3f} s to spawn them, {} bytes of peak memory each, their state included\n",
                            seconds_forming, bytes_per_agent)};
  return finished(engine, std::move(report), static_cast<double>(agents) * options.rounds, seconds);
}

}  // namespace

int main(int argc, char** argv) {
  theus::serve_if_spawned({{"club", karate::found_club}, {"ring", karate::join_ring}});
  Options options;
  CLI::App parser{"Predicts how a karate club splits: every member is an agent that listens to those it meets."};
  parser.add_option("workflow", options.workflow, "The workflow file")->capture_default_str();
  parser.add_option("--journal", options.journal, "Keep every commit of the club in this file");
  parser.add_flag("--json", options.json, "Print the results as one JSON document");
  parser.add_option("--agents", options.agents, "Instead of the club: a made-up ring of N agents")
      ->check(CLI::Range(1, 10'000'000));
  parser.add_option("--rounds", options.rounds, "Rounds of the ring")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  parser
      .add_option("--processes", options.processes,
                  "Processes of the operating system that the agents are spread over, this one included; the result is "
                  "the same with any number, and when some of the others are killed")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  parser.add_option("--folder", options.folder, "Where the other processes find this one")->capture_default_str();
  CLI11_PARSE(parser, argc, argv);

  const auto report = options.agents == 0 ? simulate_club(options) : simulate_ring(options);
  if (!report) {
    fmt::print(stderr, "karate: {}\n", report.error().text());
    return theus::exit_code(report.error().code());
  }
  fmt::print(stderr, "{}", report->timing);
  fmt::print("{}", options.json ? theus::to_json(report->data, 2) + "\n" : report->text);
  return 0;
}
