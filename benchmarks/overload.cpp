// An engine that is asked for far more than it admits: callers who do not wait send as fast as they can. What counts is
// how soon they are refused, how much memory that takes, and how soon the engine is as fast as before.

#include "benchmarks/contention.hpp"
#include "benchmarks/harness.hpp"

#include <theus/engine.hpp>

#include <unistd.h>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using theus::Context;
using theus::Engine;
using theus::PendingExecution;
using theus::bench::Case;
using Clock = std::chrono::steady_clock;

constexpr std::size_t admitted = 1000;
constexpr auto work = 20us;
constexpr unsigned callers = 4;
constexpr auto storm = 2s;

double resident_megabytes() {
  std::size_t pages = 0;
  std::ifstream{"/proc/self/statm"} >> pages >> pages;
  return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
}

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

class Overload {
public:
  Overload() {
    engine_
        .register_process({.name = "work",
                           .outputs = {"domain.done"},
                           .body =
                               [](Context&) {
                                 const auto until = Clock::now() + work;
                                 while (Clock::now() < until) {
                                 }
                                 return true;
                               }})
        .value();
  }

  struct Storm {
    double refusal_p99_ms = 0;
    double megabytes = 0;
    double recovery_s = 0;
    double asked_to_done = 0;  // how many times more was asked for than was done
  };

  Storm run() {
    const double rate_before = rate(100ms);
    const double idle = resident_megabytes();
    std::atomic<bool> is_over{false};
    std::vector<std::vector<double>> refusals(callers);
    std::vector<std::uint64_t> asked(callers);
    std::vector<std::jthread> threads;
    for (unsigned caller = 0; caller < callers; ++caller)
      threads.emplace_back([&, caller] {
        while (!is_over.load(std::memory_order_relaxed)) {
          const auto begin = Clock::now();
          auto pending = engine_.execute_async("work");
          ++asked[caller];
          if (pending.wait_for(0ns) && !pending.get() && refusals[caller].size() < 1'000'000)
            refusals[caller].push_back(seconds_since(begin) * 1000);
        }
      });
    double peak = idle;
    const std::uint64_t done_before = engine_.statistics().processes.front().succeeded;
    for (const auto begin = Clock::now(); Clock::now() - begin < storm;) {
      std::this_thread::sleep_for(20ms);
      peak = std::max(peak, resident_megabytes());
    }
    is_over.store(true);
    threads.clear();
    const auto done = static_cast<double>(engine_.statistics().processes.front().succeeded - done_before);
    const auto calm = Clock::now();
    while (rate(20ms) < 0.9 * rate_before && Clock::now() - calm < 10s) {
    }
    Storm told{.megabytes = std::max(peak - idle, 0.1), .recovery_s = seconds_since(calm)};
    std::vector<double> all;
    double sum = 0;
    for (unsigned caller = 0; caller < callers; ++caller) {
      all.insert(all.end(), refusals[caller].begin(), refusals[caller].end());
      sum += static_cast<double>(asked[caller]);
    }
    told.refusal_p99_ms = all.empty() ? 0 : theus::bench::quantile(std::move(all), 0.99);
    told.asked_to_done = sum / std::max(done, 1.0);
    return told;
  }

private:
  /// Executions per second of one caller who waits.
  double rate(std::chrono::nanoseconds span) {
    return theus::bench::per_second([&] { theus::bench::keep(engine_.execute("work").ok()); }, span);
  }

  Engine engine_{{.in_flight_max = admitted}};
};

void storms(Case& subject, double Overload::Storm::*figure) {
  subject.rounds(3);
  subject.ours([overload = std::make_shared<Overload>(), figure] { return overload->run().*figure; });
}

}  // namespace

int main(int argc, char** argv) {
  theus::bench::Program program{"overload"};
  program.add("asked to done", "times", [](Case& each) { storms(each, &Overload::Storm::asked_to_done); });
  program.add("refusal p99", "ms", [](Case& each) { storms(each, &Overload::Storm::refusal_p99_ms); });
  // At least 0.1, since what an earlier round took may be used again.
  program.add("memory above idle", "MB", [](Case& each) { storms(each, &Overload::Storm::megabytes); });
  program.add("recovery", "s", [](Case& each) { storms(each, &Overload::Storm::recovery_s); });
  return program.run(argc, argv);
}
