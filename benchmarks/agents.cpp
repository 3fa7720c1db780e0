#include "benchmarks/harness.hpp"

#include <theus/engine.hpp>

#include <malloc.h>

#include <memory>
#include <string>

namespace {

using theus::Agent;
using theus::CohortStep;
using theus::Context;
using theus::Engine;
using theus::bench::Case;
using theus::bench::per_second;

/// Bytes in use, as the C library counts them.
std::size_t heap_bytes() {
  const auto heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

// An agent that waits, with a path to read and one to write, beside its private state and what its body holds.
void resident_agent(Case& subject) {
  constexpr std::size_t agents = 100'000;
  subject.rounds(3);
  subject.ours([] {
    Engine engine;
    const std::size_t before = heap_bytes();
    engine
        .spawn_agents(agents,
                      [](std::size_t i) {
                        return Agent{.name = "agent" + std::to_string(i),
                                     .reads = {"domain.in" + std::to_string(i)},
                                     .writes = {"domain.out" + std::to_string(i)},
                                     .body = [](Context&) {}};
                      })
        .value();
    return static_cast<double>(heap_bytes() - before) / agents;
  });
}

void cohort_step(Case& subject) {
  auto engine = std::make_shared<Engine>();
  const auto act = [](CohortStep& step) {
    const auto x = step.read("x");
    const auto v = step.read("v");
    const auto next_x = step.write("x");
    const auto next_v = step.write("v");
    step.each([&](std::size_t i) {
      next_x[i] = x[i] + 0.01 * v[i];
      next_v[i] = v[i] - 0.01 * x[i];
    });
  };
  engine
      ->spawn_cohort({.name = "springs",
                      .agents = 1'000'000,
                      .columns = {{"x", [](std::size_t i) { return static_cast<double>(i); }}, {"v"}},
                      .reads = {"x", "v"},
                      .writes = {"x", "v"},
                      .step = act})
      .value();
  subject.ours([engine] { return 1000 / per_second([&] { engine->step_cohort("springs").value(); }); });
}

}  // namespace

int main(int argc, char** argv) {
  theus::bench::Program program{"agents"};
  program.add("resident agent of 100k", "bytes", resident_agent);
  program.add("cohort of 1M, step", "ms", cohort_step);
  return program.run(argc, argv);
}
