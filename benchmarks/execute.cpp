#include "benchmarks/caf_peer.hpp"
#include "benchmarks/harness.hpp"

#include <theus/engine.hpp>

#include <memory>
#include <string>

namespace {

using theus::Context;
using theus::Engine;
using theus::bench::CafPeer;
using theus::bench::Case;
using theus::bench::per_second;

// ours: a contract-checked execution that reads one path and commits another value to it.
// peer: the least that actors can do instead: one request, with the same policy and deadline, to an actor that changes
// an entry of its map and answers.
void one_in_one_out(Case& subject) {
  auto engine = std::make_shared<Engine>();
  engine
      ->register_process({.name = "increment",
                          .inputs = {"domain.count"},
                          .outputs = {"domain.count"},
                          .body = [](Context& ctx) { return ctx.get<std::int64_t>("domain.count", 0) + 1; }})
      .value();
  subject.ours([engine] { return per_second([&] { engine->execute("increment").value(); }); });
  subject.peer("caf request",
               [caf = std::make_shared<CafPeer>()] { return per_second([&] { caf->request("domain.count"); }); });
}

std::int64_t doubled(std::int64_t number) { return number % 1'000'000 * 2; }

// The same two functions as one body, as one process, and as two processes one after the other.
struct TwoStages {
  TwoStages() {
    const auto read = [](Context& ctx) { return ctx.get<std::int64_t>("domain.count", 1); };
    add("both", theus::pipeline(read, doubled));
    add("one", [=](Context& ctx) { return doubled(read(ctx)); });
    add("first", read);
    add("second", [=](Context& ctx) { return doubled(read(ctx)); });
  }
  void add(const char* name, theus::Body body) {
    engine.register_process({.name = name, .inputs = {"domain.count"}, .outputs = {"domain.count"}, .body = body})
        .value();
  }
  double microseconds(std::initializer_list<const char*> processes) {
    return 1e6 / per_second([&] {
             for (const char* process : processes)
               engine.execute(process).value();
           });
  }

  Engine engine;
};

// ours: a pipeline of two functions. peers: one body that does the same by hand; two executions.
void pipeline_of_two(Case& subject) {
  auto stages = std::make_shared<TwoStages>();
  subject.ours([stages] { return stages->microseconds({"both"}); });
  subject.peer("one execute", [stages] { return stages->microseconds({"one"}); });
  subject.peer("two executes", [stages] { return stages->microseconds({"first", "second"}); });
}

void round_of_agents(Case& subject) {
  constexpr int agents = 10'000;
  auto engine = std::make_shared<Engine>();
  const auto path = [](int i) { return theus::Path{"domain"}.key("x" + std::to_string((i + agents) % agents)); };
  engine
      ->spawn_agents(agents,
                     [&](std::size_t index) {
                       const int i = static_cast<int>(index);
                       const auto body = [left = path(i - 1), own = path(i), right = path(i + 1)](Context& ctx) {
                         ctx.set(own, (ctx.get<double>(left, 0.0) + ctx.get<double>(right, 1.0)) / 2 + 1);
                       };
                       return theus::Agent{.name = "agent" + std::to_string(i),
                                           .reads = {path(i - 1).text(), path(i + 1).text()},
                                           .writes = {path(i).text()},
                                           .body = body};
                     })
      .value();
  subject.ours([engine] { return 1000 / per_second([&] { engine->round().value(); }); });
}

}  // namespace

int main(int argc, char** argv) {
  theus::bench::Program program{"execute"};
  program.add("one in one out", "calls/s", one_in_one_out);
  program.add("pipeline of 2", "us", pipeline_of_two);
  program.add("round of 10k agents", "ms", round_of_agents);
  return program.run(argc, argv);
}
