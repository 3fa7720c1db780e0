#include "benchmarks/harness.hpp"

#include "runtime/child_process.hpp"

#include <theus/engine.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>

namespace {

using theus::Context;
using theus::Engine;
using theus::Value;
using theus::bench::Case;
using theus::bench::median_microseconds;
using Clock = std::chrono::steady_clock;

constexpr const char* spinner = "--spin";
constexpr const char* echoer = "--echo";
constexpr int calls = 2000;
constexpr int tasks = 4;
constexpr std::uint64_t steps = 60'000'000;

double seconds_since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

/// Work that no compiler shortens and no memory limits.
std::uint64_t spin(std::uint64_t number) {
  for (std::uint64_t i = 0; i < steps; ++i)
    number = number * 6364136223846793005ULL + 1442695040888963407ULL;
  return number;
}

theus::Status processes(Engine& engine) {
  for (const bool isolated : {true, false}) {
    const std::string suffix = isolated ? "" : "_here";
    auto count = theus::Process{.name = "count" + suffix,
                                .inputs = {"domain.count"},
                                .outputs = {"domain.count"},
                                .isolated = isolated,
                                .body = [](Context& ctx) { return ctx.get<std::int64_t>("domain.count", 0) + 1; }};
    auto work = theus::Process{
        .name = "work" + suffix, .arguments = {"from"}, .isolated = isolated, .body = [](Context& ctx) {
          return static_cast<std::int64_t>(spin(static_cast<std::uint64_t>(ctx.argument<std::int64_t>("from"))) >> 1);
        }};
    for (auto* process : {&count, &work})
      if (auto registered = engine.register_process(std::move(*process)); !registered)
        return registered;
  }
  return {};
}

std::shared_ptr<Engine> engine_with_processes() {
  theus::EngineOptions options;
  options.workers.count_max = tasks;
  auto engine = std::make_shared<Engine>(std::move(options));
  processes(*engine).value();
  return engine;
}

/// Another process that sends back what it gets, over the same kind of socket that workers have.
class Echo {
public:
  Echo() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
      std::abort();
    ours_ = theus::Descriptor{ends[0]};
    const theus::Descriptor theirs{ends[1]};
    child_.emplace(
        theus::ChildProcess::start({.command = {"/proc/self/exe", echoer}, .descriptors = {theirs.number()}}).value());
  }
  void round_trip() const {
    std::array<char, 200> packet{};
    if (::send(ours_.number(), packet.data(), packet.size(), 0) < 0 ||
        ::recv(ours_.number(), packet.data(), packet.size(), 0) <= 0)
      std::abort();
  }

private:
  theus::Descriptor ours_;
  std::optional<theus::ChildProcess> child_;
};

int echo() {
  std::array<char, 256> packet{};
  for (ssize_t got = 0; (got = ::recv(3, packet.data(), packet.size(), 0)) > 0;)
    (void)::send(3, packet.data(), static_cast<std::size_t>(got), 0);
  return 0;
}

// ours: an isolated execution with a commit, the worker being there already. peers: the least that asking another
// process can take, one packet there and one back; the same body in process.
void warm_call(Case& subject) {
  auto engine = engine_with_processes();
  engine->execute("count").value();
  subject.ours([engine] { return median_microseconds(calls, [&] { engine->execute("count").value(); }); });
  subject.peer("socket round trip",
               [echo = std::make_shared<Echo>()] { return median_microseconds(calls, [&] { echo->round_trip(); }); });
  subject.peer("in process",
               [engine] { return median_microseconds(calls, [&] { engine->execute("count_here").value(); }); });
}

double tasks_per_second(Clock::time_point begun) { return tasks / seconds_since(begun); }

double one_after_the_other(Engine& engine) {
  const auto begun = Clock::now();
  for (int i = 0; i < tasks; ++i)
    engine.execute("work_here", Value{{"from", i}}).value();
  return tasks_per_second(begun);
}

double side_by_side(Engine& engine) {
  const auto begun = Clock::now();
  std::vector<theus::PendingExecution> running;
  for (int i = 0; i < tasks; ++i)
    running.push_back(engine.execute_async("work", Value{{"from", i}}));
  for (auto& each : running)
    each.get().value();
  return tasks_per_second(begun);
}

/// Programs that do one task each, two at a time.
double bare_processes() {
  constexpr int at_a_time = 2;
  const auto begun = Clock::now();
  for (int done = 0; done < tasks; done += at_a_time) {
    std::vector<theus::ChildProcess> running;
    for (int i = 0; i < at_a_time; ++i)
      running.push_back(theus::ChildProcess::start({.command = {"/proc/self/exe", spinner}}).value());
    for (auto& each : running)
      each.wait(std::chrono::minutes{1});
  }
  return tasks_per_second(begun);
}

// ours: four tasks that only compute, in workers. peers: the same as bare programs, two at a time, which is all that
// can be had of a machine with two cores; the same bodies in process, one after the other.
void parallel_tasks(Case& subject) {
  auto engine = engine_with_processes();
  side_by_side(*engine);
  subject.ours([engine] { return side_by_side(*engine); });
  subject.peer("two bare processes", bare_processes);
  subject.peer("one after the other", [engine] { return one_after_the_other(*engine); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view{argv[1]} == echoer)
    return echo();
  if (argc > 1 && std::string_view{argv[1]} == spinner) {
    theus::bench::keep(spin(static_cast<std::uint64_t>(argc)));
    return 0;
  }
  theus::serve_if_worker(processes);
  theus::bench::Program program{"isolated"};
  program.add("warm call", "us p50", warm_call);
  program.add("4 tasks", "tasks/s", parallel_tasks);
  return program.run(argc, argv);
}
