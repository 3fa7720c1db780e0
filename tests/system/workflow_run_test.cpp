#include <theus/engine.hpp>

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <latch>

namespace theus {
namespace {

Workflow parsed(std::string_view text) { return Workflow::parse(text, "test.yaml").value(); }

Value read(const Engine& engine, const Path& path) { return engine.state().find(path).value_or(Value{}); }

Engine& with_steps(Engine& engine) {
  for (const char* name : {"a", "b", "c"}) {
    const auto body = [name](Context& ctx) {
      ctx.append("domain.trail", name);
      ctx.increment("domain.n");
    };
    engine.register_process({.name = name, .outputs = {"domain.trail", "domain.n"}, .body = body}).value();
  }
  engine.register_process({.name = "fail", .body = [](Context&) { throw std::runtime_error("broken"); }}).value();
  return engine;
}

TEST_CASE("nested branches choose by the state", "[workflow_run]") {
  const auto [x, size] = GENERATE(table<int, std::string>({{15, "big"}, {7, "medium"}, {2, "small"}}));
  Engine engine;
  engine.compare_and_swap(0, {{"domain.x", x}}).value();
  const Workflow workflow = parsed(R"(
steps:
  - flux: if
    condition: domain.x > 10
    then: [{flux: set, values: {domain.size: big}}]
    else:
      - flux: if
        condition: domain.x > 5
        then: [{flux: set, values: {domain.size: medium}}]
        else: [{flux: set, values: {domain.size: small}}]
)");
  engine.execute_workflow(workflow).value();
  CHECK(read(engine, "domain.size") == Value{size});
}

TEST_CASE("a loop of three steps run twice runs six steps in order", "[workflow_run]") {
  Engine engine;
  const Workflow workflow = parsed(R"(
steps:
  - flux: set
    values: {domain.n: 0}
  - flux: while
    condition: domain.n < 6
    do: [a, b, c]
)");
  const WorkflowReport report = with_steps(engine).execute_workflow(workflow).value();
  CHECK(read(engine, "domain.trail") == Value::list({"a", "b", "c", "a", "b", "c"}));
  CHECK(report.steps_run == 7);
  CHECK(report.steps.back().step == "c");
}

TEST_CASE("a failing step stops the workflow, names its line, and earlier steps stay", "[workflow_run]") {
  Engine engine;
  const Workflow workflow = parsed(R"(
steps:
  - a
  - flux: if
    condition: true
    then:
      - fail
  - b
)");
  const auto report = with_steps(engine).execute_workflow(workflow);
  const Error& error = report.error();
  CHECK(error.code() == Errc::process_failed);
  CHECK(error.cause() == "broken");
  CHECK(*error.field("step") == Value{"fail"});
  CHECK(*error.field("line") == Value{7});
  CHECK(read(engine, "domain.trail") == Value::list({"a"}));
}

TEST_CASE("a step is repeated as often as it asks for", "[workflow_run]") {
  Engine engine;
  int runs = 0;
  const auto body = [&](Context&) {
    if (++runs < 3)
      throw std::runtime_error("not yet");
  };
  engine.register_process({.name = "flaky", .body = body}).value();
  engine.execute_workflow(parsed("steps: [{process: flaky, retry: {attempts: 3, backoff: 1ms}}]")).value();
  CHECK(runs == 3);
}

TEST_CASE("a signal path steers a branch: true, false and absent", "[workflow_run]") {
  const auto [value, taken] = GENERATE(table<Value, std::string>({{true, "then"}, {false, "else"}, {Value{}, "else"}}));
  Engine engine;
  if (!value.is_null())
    engine.compare_and_swap(0, {{"signal.cmd_stop", value}}).value();
  const Workflow workflow = parsed(R"(
steps:
  - flux: if
    condition: signal.cmd_stop == true
    then: [{flux: set, values: {domain.taken: then}}]
    else: [{flux: set, values: {domain.taken: else}}]
)");
  engine.execute_workflow(workflow).value();
  CHECK(read(engine, "domain.taken") == Value{taken});
}

TEST_CASE("an endless loop trips the safety and names itself; what was committed stays [F69]", "[workflow_run][F69]") {
  Engine engine;
  const Workflow workflow = parsed(R"(
limits: {max_ops: 100}
steps:
  - flux: while
    condition: not has(domain.n) or domain.n >= 0
    do: [a]
)");
  const auto report = with_steps(engine).execute_workflow(workflow);
  CHECK(report.error().code() == Errc::safety_trip);
  CHECK(*report.error().field("limit") == Value{100});
  CHECK(engine.version() > 10);
}

TEST_CASE("a step whose body does not end is answered at its own deadline", "[workflow_run]") {
  std::latch release{1};
  Engine engine{{.threads = 2}};
  engine.register_process({.name = "stuck", .body = [&](Context&) { release.wait(); }}).value();
  const auto report = engine.execute_workflow(parsed("steps: [{process: stuck, timeout: 50ms}]"));
  CHECK(report.error().code() == Errc::deadline);
  release.count_down();
}

TEST_CASE("a workflow is checked before it runs: nothing happens when a process is unknown [F65]",
          "[workflow_run][F65]") {
  Engine engine;
  const auto report = with_steps(engine).execute_workflow(parsed("steps: [a, bb, {process: c, args: {x: 1}}]"));
  REQUIRE(report.error().code() == Errc::bad_workflow);
  CHECK(report.error().field("findings")->size() == 2);
  CHECK(engine.version() == 0);
}

TEST_CASE("rounds, signals and assignments work as steps", "[workflow_run]") {
  Engine engine;
  auto receiver = engine.signals().subscribe();
  const auto agent = [](std::size_t i) {
    return Agent{.name = "agent" + std::to_string(i), .writes = {"domain.sum"}, .body = [](Context& ctx) {
                   ctx.increment("domain.sum", 1);
                 }};
  };
  engine.spawn_agents(3, agent).value();
  const Workflow workflow = parsed(R"(
steps:
  - round: {agents: agent*, times: 2}
  - flux: emit
    signal: finished
    payload: {sum: "${domain.sum}"}
)");
  engine.execute_workflow(workflow).value();
  CHECK(read(engine, "domain.sum") == Value{6});
  const auto received = receiver.recv(std::chrono::seconds{10});
  REQUIRE(received.is_event());
  CHECK(received.event().name == "finished");
}

TEST_CASE("an observer that throws is reported and otherwise ignored", "[workflow_run]") {
  std::vector<std::string> lines;
  Engine engine{{.log = [&](const LogEntry& entry) { lines.push_back(entry.text); }}};
  WorkflowOptions options;
  options.observer = [](const Progress&) { throw std::runtime_error("oops"); };
  with_steps(engine).execute_workflow(parsed("steps: [a, b]"), options).value();
  CHECK(lines.size() == 2);
  CHECK(read(engine, "domain.n") == Value{2});
}

}  // namespace
}  // namespace theus
