#include <theus/digest.hpp>
#include <theus/engine.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

namespace theus {
namespace {

using namespace std::chrono_literals;

/// Whether the path holds the value soon; the watchdog is a minute.
bool becomes(Engine& engine, const Path& path, const Value& wanted) {
  Version seen = 0;
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (std::chrono::steady_clock::now() < deadline) {
    const Snapshot state = engine.state();
    if (state.find(path) == std::optional{wanted})
      return true;
    seen = engine.wait_for_change({path}, state.version(), 1s).value_or(seen);
  }
  return false;
}

Agent walker(std::size_t i) {
  const Path own = Path{"domain"}.key("x" + std::to_string(i));
  return {.name = "walker" + std::to_string(i),
          .reads = {"domain"},
          .writes = {own.text()},
          .state = 0,
          .body = [own, i](Context& ctx) {
            double sum = ctx.random().uniform();
            for (const AgentMessage& message : ctx.trigger().messages)
              sum += message.content.as_double();
            ctx.agent_state() = ctx.agent_state().as_int() + 1;
            ctx.send("walker" + std::to_string((i * 7 + 1) % 50), ctx.random().uniform());
            ctx.set(own, ctx.get<double>(own, 0.0) + sum * static_cast<double>(ctx.agent_state().as_int()));
          }};
}

TEST_CASE("rounds with messages and random numbers give one digest, with 1, 2 and 4 threads", "[agents]") {
  std::optional<Digest> expected;
  for (const std::size_t threads : {1U, 2U, 4U}) {
    CAPTURE(threads);
    Engine engine{{.threads = threads, .seed = 7}};
    engine.spawn_agents(50, walker).value();
    for (int round = 0; round < 20; ++round)
      engine.round().value();
    const Digest end = theus::digest(engine.state().get("domain").value());
    if (!expected)
      expected = end;
    CHECK(end == *expected);
  }
}

TEST_CASE("agents act on messages, signals and changes of a running engine", "[agents]") {
  Engine engine;
  engine
      .spawn_agent({.name = "buyer",
                    .reads = {"domain.stock", "domain.budget"},
                    .writes = {"domain.bought"},
                    .on = {.signals = {"sale.*"}, .changes = {"domain.budget"}, .messages = true},
                    .body = [](Context& ctx) { ctx.increment("domain.bought"); }})
      .value();
  engine.send("buyer", "please").value();
  CHECK(becomes(engine, "domain.bought", 1));
  engine.signals().send("sale.now");
  CHECK(becomes(engine, "domain.bought", 2));
  engine.update("domain.budget", [](const Value&) { return Value{5}; }).value();
  CHECK(becomes(engine, "domain.bought", 3));
  CHECK(engine.send("byer", 1).error().code() == Errc::unknown_agent);
  engine.stop_agent("buyer").value();
  CHECK(engine.send("buyer", 1).error().code() == Errc::unknown_agent);
}

TEST_CASE("many agents that act at once lose nothing, and the engine ends cleanly among them", "[agents]") {
  constexpr int agents = 200;
  constexpr int messages = 20;
  Engine engine;
  engine
      .spawn_agents(agents,
                    [](std::size_t i) {
                      return Agent{.name = "agent" + std::to_string(i),
                                   .reads = {"domain.sum"},
                                   .writes = {"domain.sum"},
                                   .on = {.tick = 1ms, .messages = true},
                                   .body = [](Context& ctx) {
                                     if (ctx.trigger().kind == Trigger::Kind::message)
                                       ctx.increment("domain.sum");
                                   }};
                    })
      .value();
  for (int message = 0; message < messages; ++message)
    for (int i = 0; i < agents; ++i)
      engine.send("agent" + std::to_string(i), message).value();
  CHECK(becomes(engine, "domain.sum", agents * messages));
  CHECK(engine.shutdown(60s).ok());
}

TEST_CASE("a full backlog is answered with overloaded while the agent is busy [F91]", "[agents][F91]") {
  Engine engine;
  std::atomic<bool> go{false};
  engine
      .spawn_agent({.name = "slow",
                    .writes = {"domain.done"},
                    .on = {.messages = true},
                    .backlog_max = 5,
                    .body =
                        [&](Context& ctx) {
                          go.wait(false);
                          ctx.increment("domain.done");
                        }})
      .value();
  int taken = 0;
  int refused = 0;
  for (int i = 0; i < 50; ++i) {
    const Status sent = engine.send("slow", i);
    sent.ok() ? ++taken : ++refused;
    if (!sent)
      CHECK(sent.error().code() == Errc::overloaded);
  }
  CHECK((taken == 5 || taken == 6));  // one may have been taken up already
  CHECK(refused == 50 - taken);
  go = true;
  go.notify_all();
  CHECK(becomes(engine, "domain.done", taken));
}

TEST_CASE("the statistics of an engine tell of its agents", "[agents]") {
  std::atomic<int> escalated{0};
  Engine engine{{.log = [](const LogEntry&) {}, .on_escalation = [&](const Escalation&) { escalated.store(1); }}};
  engine
      .spawn_agent({.name = "poor",
                    .on = {.messages = true},
                    .restarts = {.times = 2},
                    .body = [](Context&) { throw std::runtime_error("always"); }})
      .value();
  engine.spawn_agent({.name = "idle", .body = [](Context&) {}}).value();
  engine.send("idle", 1).value();
  for (int i = 0; i < 3; ++i)
    engine.send("poor", i).value();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  while (escalated == 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
  REQUIRE(engine.agent_status().back().restarts == 2);
  const AgentStatistics told = engine.statistics().agents;
  CHECK((told.living == 1 && told.failures == 3 && told.restarts == 2 && told.stopped == 1 && told.waiting == 1));
}

TEST_CASE("only agents send messages to agents, and outside of bodies the engine does", "[agents]") {
  Engine engine;
  engine.spawn_agent({.name = "a", .body = [](Context&) {}}).value();
  engine.register_process({.name = "p", .body = [](Context& ctx) { ctx.send("a", 1); }}).value();
  CHECK(engine.execute("p").error().code() == Errc::unsupported);
  engine.register_process({.name = "q", .body = [&](Context&) { engine.send("a", 1).value(); }}).value();
  CHECK(engine.execute("q").error().code() == Errc::nested_call);
}

TEST_CASE("a cohort steps with one commit of what its step writes into the state", "[agents]") {
  Engine engine;
  engine
      .spawn_cohort({.name = "herd",
                     .agents = 1000,
                     .columns = {{"x"}},
                     .writes = {"x"},
                     .inputs = {"domain.speed"},
                     .outputs = {"domain.far"},
                     .step =
                         [](CohortStep& step) {
                           const auto speed = step.context().get<double>("domain.speed", 1.0);
                           const auto x = step.write("x");
                           step.each([&](std::size_t i) { x[i] += speed; });
                           step.context().set("domain.far", x[999]);
                         }})
      .value();
  CHECK(engine.step_cohort("herd").value().version == 1);
  engine.update("domain.speed", [](const Value&) { return Value{2.5}; }).value();
  const CohortReport second = engine.step_cohort("herd").value();
  CHECK((second.step == 2 && second.version == 3));
  CHECK(engine.cohort_column("herd", "x").value() == std::vector<double>(1000, 3.5));
  CHECK(engine.state().get<double>("domain.far").value() == 3.5);

  CHECK(engine.step_cohort("hert").error().code() == Errc::unknown_agent);
  CHECK(engine.cohort_column("herd", "y").error().code() == Errc::bad_argument);
  CHECK(engine.spawn_cohort({.name = "herd", .agents = 1, .columns = {{"x"}}, .step = [](CohortStep&) {}})
            .error()
            .code() == Errc::duplicate_name);
  engine.stop_cohort("herd").value();
  CHECK(engine.step_cohort("herd").error().code() == Errc::unknown_agent);
}

TEST_CASE("a cohort that loses against a commit steps again on the same columns", "[agents]") {
  Engine engine;
  std::atomic<int> tries{0};
  engine
      .spawn_cohort({.name = "herd",
                     .agents = 10,
                     .columns = {{"x"}},
                     .writes = {"x"},
                     .inputs = {"domain.seen"},
                     .outputs = {"domain.seen"},
                     .step =
                         [&](CohortStep& step) {
                           const auto x = step.write("x");
                           step.each([&](std::size_t i) { x[i] += 1; });
                           const auto seen = step.context().get<int>("domain.seen", 0);
                           if (tries++ == 0)
                             std::thread{[&] {
                               engine.update("domain.seen", [](const Value&) { return Value{10}; }).value();
                             }}.join();
                           step.context().set("domain.seen", seen + 1);
                         }})
      .value();
  engine.step_cohort("herd").value();
  CHECK(tries == 2);
  CHECK(engine.state().get<int>("domain.seen").value() == 11);
  CHECK(engine.cohort_column("herd", "x").value() == std::vector<double>(10, 1.0));
}

}  // namespace
}  // namespace theus
