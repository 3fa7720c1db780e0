#include "benchmarks/harness.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <iostream>
#include <stdexcept>
#include <thread>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace theus::bench {
namespace {

constexpr double near_ns_max = 150;

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double six_digits(double value) { return std::stod(fmt::format("{:.6g}", value)); }

std::vector<int> usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int core = 0; core < CPU_SETSIZE; ++core)
      if (CPU_ISSET(core, &set))
        cores.push_back(core);
  return cores;
}

void move_to(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

using Ball = std::atomic<int>;
constexpr int turns_per_batch = 2000;

// Each store is seen by the other side's load, and carries nothing but itself.
void answer(Ball& ball, int turns) {
  for (int turn = 0; turn < turns; ++turn) {
    while (ball.load(std::memory_order_relaxed) != 2 * turn + 1) {
    }
    ball.store(2 * turn + 2, std::memory_order_relaxed);
  }
}

double serve_ns(Ball& ball, int batch) {
  const auto start = std::chrono::steady_clock::now();
  for (int turn = batch * turns_per_batch; turn < (batch + 1) * turns_per_batch; ++turn) {
    ball.store(2 * turn + 1, std::memory_order_relaxed);
    while (ball.load(std::memory_order_relaxed) != 2 * turn + 2) {
    }
  }
  const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - start;
  return elapsed.count() / (2.0 * turns_per_batch);
}

// Nanoseconds for a cache line from the first usable core to the second, one way: the best of several batches, because
// a preempted batch tells nothing. Infinite on a machine of one core.
double line_transfer_ns() {
  constexpr int batches = 8;
  const std::vector<int> cores = usable_cores();
  if (cores.size() < 2)
    return INFINITY;
  alignas(128) Ball ball{0};
  double best = INFINITY;
  std::thread partner{[&] {
    move_to(cores[1]);
    answer(ball, batches * turns_per_batch);
  }};
  // In a thread of its own, so that the caller's affinity stays as it was.
  std::thread server{[&] {
    move_to(cores[0]);
    for (int batch = 0; batch < batches; ++batch)
      best = std::min(best, serve_ns(ball, batch));
  }};
  partner.join();
  server.join();
  return best;
}

double checked(double figure, const std::string& whose) {
  if (!std::isfinite(figure) || figure <= 0)
    throw std::runtime_error(fmt::format("{} measured {}", whose, figure));
  return figure;
}

bool is_rate(std::string_view unit) { return unit.ends_with("/s"); }

}  // namespace

bool optional_peers_are_built() {
#ifdef THEUS_BENCHMARK_PEERS
  return true;
#else
  return false;
#endif
}

struct Program::Options {
  std::vector<std::string_view> cases;
  int rounds = 0;  // 0: as each case says
  bool peers = false;
  bool json = false;

  bool wants(std::string_view name) const { return cases.empty() || std::ranges::count(cases, name) > 0; }
};

void Program::add(std::string case_name, std::string unit, std::function<void(Case&)> prepare) {
  entries_.push_back({std::move(case_name), std::move(unit), std::move(prepare)});
}

void Program::measure(const Entry& entry, const Options& options, std::ostream& results, std::ostream& words) const {
  Case subject{entry.name, entry.unit};
  entry.prepare(subject);
  if (!options.peers)
    std::erase_if(subject.peers_, [](const Case::Peer& peer) { return peer.optional; });
  const int rounds = options.rounds > 0 ? options.rounds : subject.rounds_;

  std::vector<double> transfers, ours;
  std::vector<std::vector<double>> theirs(subject.peers_.size());
  for (int round = 0; round < rounds; ++round) {
    transfers.push_back(line_transfer_ns());
    ours.push_back(checked(subject.ours_(), "ours"));
    for (std::size_t i = 0; i < theirs.size(); ++i)
      theirs[i].push_back(checked(subject.peers_[i].measure(), subject.peers_[i].name));
  }

  const double transfer = median(transfers);
  nlohmann::ordered_json line{{"bench", name_},
                              {"case", entry.name},
                              {"unit", entry.unit},
                              {"ours", six_digits(median(ours))},
                              {"peer", nullptr},
                              {"peer_name", nullptr},
                              {"ratio", nullptr},
                              {"rounds", rounds},
                              {"min", nullptr},
                              {"max", nullptr},
                              {"near", transfer < near_ns_max}};
  const auto report = [&](std::string_view against) {
    results << line.dump() << std::endl;
    if (!options.json)
      words << fmt::format("{:<10} {:<24} {:>12.5g} {:<12} {}\n", name_, entry.name, median(ours), entry.unit, against);
  };
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    std::vector<double> ratios(ours.size());
    std::ranges::transform(ours, theirs[i], ratios.begin(), std::divides{});
    const auto [low, high] = std::ranges::minmax(ratios);
    line["peer"] = six_digits(median(theirs[i]));
    line["peer_name"] = subject.peers_[i].name;
    line["ratio"] = six_digits(median(ratios));
    line["min"] = six_digits(low);
    line["max"] = six_digits(high);
    report(fmt::format("{:.3g} x {} ({:.3g} to {:.3g}; {} is better; {} at {:.0f} ns)", median(ratios),
                       subject.peers_[i].name, low, high, is_rate(entry.unit) ? "more" : "less",
                       transfer < near_ns_max ? "near" : "far", transfer));
  }
  if (theirs.empty())
    report(fmt::format("({} is better)", is_rate(entry.unit) ? "more" : "less"));
}

int Program::run(const std::vector<std::string_view>& options, std::ostream& results, std::ostream& words) {
  Options chosen;
  for (std::size_t i = 0; i < options.size(); ++i) {
    const bool has_argument = i + 1 < options.size();
    if (options[i] == "--json") {
      chosen.json = true;
    } else if (options[i] == "--peers") {
      chosen.peers = true;
    } else if (options[i] == "--case" && has_argument) {
      chosen.cases.push_back(options[++i]);
    } else if (options[i] == "--rounds" && has_argument) {
      chosen.rounds = std::max(1, std::atoi(std::string{options[++i]}.c_str()));
    } else {
      words << "unknown option " << options[i] << "; there are --case NAME, --rounds N, --peers, --json\n";
      return 2;
    }
  }
  if (chosen.peers && !peers_built_) {
    words << "this build has no optional peers; `./dev bench --peers` makes one that has\n";
    return 2;
  }
  for (const std::string_view name : chosen.cases)
    if (std::ranges::none_of(entries_, [&](const Entry& entry) { return entry.name == name; })) {
      words << name_ << " has no case '" << name << "'\n";
      return 2;
    }
  for (const Entry& entry : entries_) {
    if (!chosen.wants(entry.name))
      continue;
    try {
      measure(entry, chosen, results, words);
    } catch (const std::exception& error) {
      words << name_ << ", " << entry.name << ": " << error.what() << "\n";
      return 1;
    }
  }
  return 0;
}

int Program::run(int argc, char** argv) {
  return run(std::vector<std::string_view>(argv + 1, argv + argc), std::cout, std::cerr);
}

}  // namespace theus::bench
