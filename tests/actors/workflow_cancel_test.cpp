#include "actors/caf_ways.hpp"
#include "tests/support/engine_stage.hpp"

#include <theus/engine.hpp>

#include <catch2/catch.hpp>

#include <future>

namespace theus {
namespace {

using testing::EngineStage;

Workflow parsed(std::string_view text) { return Workflow::parse(text, "flow.yaml").value(); }

Process counting(std::string name) {
  return {.name = std::move(name), .outputs = {"domain.count"}, .body = [](Context& ctx) {
            ctx.increment("domain.count");
          }};
}

TEST_CASE("of a cancelled run the step in flight is told, and nothing of it is committed", "[workflow_runner]") {
  Engine engine{{.threads = 1}};
  std::stop_source source;
  engine.register_process(counting("before")).value();
  engine.register_process(counting("after")).value();
  engine
      .register_process({.name = "looking",
                         .outputs = {"domain.count"},
                         .body =
                             [&](Context& ctx) {
                               CHECK_FALSE(ctx.is_cancelled());
                               source.request_stop();
                               CHECK(ctx.is_cancelled());
                               return 100;
                             }})
      .value();

  const auto run = engine.execute_workflow(parsed("steps: [before, looking, after]"), {.cancel = source.get_token()});
  REQUIRE_FALSE(run.ok());
  CHECK(run.error().code() == Errc::cancelled);
  CHECK(engine.state().get<int>("domain.count").value() == 1);
}

TEST_CASE("a step that does not look is finished before a cancelled run ends", "[workflow_runner]") {
  Engine engine;
  std::stop_source source;
  engine.register_process(counting("after")).value();
  engine
      .register_process({.name = "blind",
                         .outputs = {"domain.count"},
                         .body =
                             [&](Context&) {
                               source.request_stop();
                               return 100;
                             }})
      .value();

  const auto run = engine.execute_workflow(parsed("steps: [blind, after]"), {.cancel = source.get_token()});
  CHECK(run.error().code() == Errc::cancelled);
  CHECK(engine.state().get<int>("domain.count").value() == 100);
}

TEST_CASE("a run that was cancelled before it began does nothing", "[workflow_runner]") {
  Engine engine;
  std::stop_source source;
  source.request_stop();
  engine.register_process(counting("step")).value();
  CHECK(engine.execute_workflow(parsed("steps: [step]"), {.cancel = source.get_token()}).error().code() ==
        Errc::cancelled);
  CHECK(engine.version() == 0);
}

TEST_CASE("shutting down ends a run after the step in flight", "[workflow_runner]") {
  Engine engine;
  std::promise<void> begun;
  engine
      .register_process({.name = "step",
                         .outputs = {"domain.count"},
                         .body =
                             [&, first = true](Context& ctx) mutable {
                               if (std::exchange(first, false))
                                 begun.set_value();
                               ctx.increment("domain.count");
                             }})
      .value();
  auto run = std::async(std::launch::async, [&] {
    return engine.execute_workflow(
        parsed("limits: {max_ops: 1000000000}\n"
               "steps: [{flux: while, condition: true, do: [step]}]"));
  });
  begun.get_future().wait();
  CHECK(engine.shutdown(std::chrono::seconds{60}).ok());
  CHECK(run.get().error().code() == Errc::cancelled);
}

TEST_CASE("a cancelled run does not wait to repeat a failed step", "[workflow_runner]") {
  EngineStage stage;
  auto population = actors::spawn_population(
      stage.system(), {.core = stage.core(), .owner = stage.owner(), .scout = {}, .spawner = {}});
  auto failing = std::make_shared<actors::RegisteredProcess>();
  failing->contract = std::make_shared<const Contract>(Contract::compile("failing", {}, {}, Semantic::pure).value());
  failing->definition = {.name = "failing", .body = [](Context&) -> int { throw std::runtime_error{"no"}; }};
  const auto table = std::make_shared<actors::Registry::Table>();
  table->emplace("failing", failing);

  std::optional<Result<WorkflowReport>> report;
  const auto run =
      std::make_shared<actors::WorkflowRun>(parsed("steps: [{process: failing, retry: {attempts: 2, backoff: 1m}}]"),
                                            table, stage.core()->clock->now() + std::chrono::hours{1}, nullptr,
                                            [&](Result<WorkflowReport> result) { report = std::move(result); });
  const auto runner = actors::spawn_workflow_runner(stage.system(), stage.core(), stage.owner(), population, run);
  stage.settle();
  REQUIRE_FALSE(report);
  run->cancelled = true;
  actors::tell(runner, actors::CancelRun{});
  stage.settle();
  REQUIRE(report);
  CHECK(report->error().code() == Errc::cancelled);
  caf::anon_send_exit(population, caf::exit_reason::user_shutdown);
}

}  // namespace
}  // namespace theus
