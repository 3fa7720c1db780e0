#include "tests/support/booking.hpp"
#include "tests/support/folder.hpp"

#include <theus/engine.hpp>
#include <theus/replay.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

namespace theus {
namespace {

using namespace std::chrono_literals;
using testing::booking;
using testing::Folder;

JournalOptions in(const Folder& folder) {
  return {.path = folder.path() / "run.journal", .level = Durability::os, .checkpoint_interval = 20};
}

EngineOptions on(const Folder& folder) {
  return {.threads = 2, .seed = 7, .log = [](const LogEntry&) {}, .journal = in(folder)};
}

using Definitions = std::function<Status(Engine&)>;

Digest digest_of(const Snapshot& state) { return digest(state.find(Path{}).value_or(Value::map())); }

/// Runs the journal again and looks whether every version comes out as it was committed.
ReplayReport rerun(const Folder& folder, const Definitions& definitions) {
  std::map<Version, Digest> committed;
  std::map<Version, Digest> again;
  replay(in(folder).path,
         {.on_version = [&](const Snapshot& state) { committed.emplace(state.version(), digest_of(state)); }})
      .value();
  auto report = replay(in(folder).path, {.definitions = definitions, .on_version = [&](const Snapshot& state) {
                                           again.emplace(state.version(), digest_of(state));
                                         }});
  INFO((report ? "" : report.error().text()));
  REQUIRE(report);
  CHECK_FALSE(committed.empty());
  CHECK(again == committed);
  return *report;
}

Error failure_of(const Folder& folder, const Definitions& definitions) {
  const auto report = replay(in(folder).path, {.definitions = definitions});
  REQUIRE_FALSE(report);
  return report.error();
}

TEST_CASE("processes run again come to the same state at every version", "[replay]") {
  const Folder folder;
  {
    Engine engine{on(folder)};
    engine.register_process(booking()).value();
    std::vector<std::jthread> callers;
    for (int caller = 0; caller < 4; ++caller)
      callers.emplace_back([&engine, caller] {
        for (int i = 0; i < 25; ++i)
          engine.execute("book", {{"amount", caller}}).value();
      });
    for (int i = 0; i < 20; ++i)
      engine.update("domain.other", [](const Value& now) { return now.is_null() ? Value{1} : Value{now.as_int() + 1}; })
          .value();
  }
  const ReplayReport report = rerun(folder, [](Engine& engine) { return engine.register_process(booking()); });
  CHECK(report.version == 120);
  CHECK(report.runs == 100);
  CHECK(report.causes == std::map<std::string, std::uint64_t>{{"process", 100}, {"transaction", 20}});
}

TEST_CASE("a body that was changed is reported at its first divergence, with a diff [F36]", "[replay][F36]") {
  const Folder folder;
  Version first = 0;
  std::int64_t total = 0;
  {
    Engine engine{on(folder)};
    engine.register_process(booking()).value();
    for (int i = 0; i < 30; ++i) {
      const auto before = engine.state().get<std::int64_t>("domain.total", 0).value();
      const Version version = engine.execute("book").value().version;
      if (before > 300 && first == 0) {
        first = version;
        total = engine.state().get<std::int64_t>("domain.total").value();
      }
    }
  }
  REQUIRE(first > 1);
  const Error diverged = failure_of(folder, [](Engine& engine) { return engine.register_process(booking(5)); });
  CHECK(diverged.code() == Errc::replay_diverged);
  CHECK(*diverged.field("version") == Value{first});
  CHECK(*diverged.field("process") == Value{"book"});
  CHECK(*diverged.field("diff") ==
        Value::list({{{"kind", "changed"}, {"path", "domain.total"}, {"before", total}, {"after", total + 5}}}));
  CHECK(diverged.text().find("domain.total") != std::string::npos);

  Process failing = booking();
  failing.body = [](Context&) -> int { throw std::runtime_error{"out of stock"}; };
  failing.outputs = {"domain.total"};
  const Error fails = failure_of(folder, [&](Engine& engine) { return engine.register_process(failing); });
  CHECK(fails.code() == Errc::replay_diverged);
  CHECK(*fails.field("version") == Value{1});
  CHECK(fails.text().find("out of stock") != std::string::npos);
}

TEST_CASE("a body that is not there cannot be replayed, nor one that reads what no journal keeps", "[replay]") {
  const Folder folder;
  {
    Engine engine{on(folder)};
    engine.register_process(booking()).value();
    engine
        .register_process({.name = "looks",
                           .inputs = {"meta.status"},
                           .outputs = {"domain.seen"},
                           .body = [](Context& ctx) { return ctx.get<int>("meta.status", 0); }})
        .value();
    engine.execute("book").value();
    engine.execute("looks").value();
  }
  const Error missing = failure_of(folder, [](Engine&) { return Status{}; });
  CHECK(missing.code() == Errc::not_replayable);
  CHECK(*missing.field("version") == Value{1});
  CHECK(*missing.field("process") == Value{"book"});

  const Error meta = failure_of(folder, [](Engine& engine) {
    if (auto registered = engine.register_process(booking()); !registered)
      return registered;
    return engine.register_process(
        {.name = "looks", .inputs = {"meta.status"}, .outputs = {"domain.seen"}, .body = [](Context& ctx) {
           return ctx.get<int>("meta.status", 0);
         }});
  });
  CHECK(meta.code() == Errc::not_replayable);
  CHECK(*meta.field("version") == Value{2});
}

TEST_CASE("a body that read its state long before its commit runs again on that state", "[replay]") {
  const Folder folder;
  std::atomic<bool> has_read{false};
  std::atomic<bool> may_end{false};
  const Process slow{.name = "slow",
                     .inputs = {"domain.seed"},
                     .outputs = {"domain.slow"},
                     .blocking = true,
                     .timeout = 60s,
                     .body = [&](Context& ctx) {
                       const int seed = ctx.get<int>("domain.seed");
                       has_read = true;
                       has_read.notify_all();
                       may_end.wait(false);
                       return seed + static_cast<int>(ctx.version());
                     }};
  {
    Engine engine{on(folder)};
    engine.register_process(slow).value();
    engine.compare_and_swap(0, {{"domain.seed", 1000}}).value();
    auto running = engine.execute_async("slow");
    has_read.wait(false);
    for (int i = 0; i < 400; ++i)
      engine.compare_and_swap(engine.version(), {{"domain.other", i}}).value();
    may_end = true;
    may_end.notify_all();
    CHECK(running.get().value().version == 402);
    CHECK(engine.state().get<int>("domain.slow").value() == 1001);
  }
  const ReplayReport report = rerun(folder, [&](Engine& engine) { return engine.register_process(slow); });
  CHECK(report.runs == 1);
}

/// Moves by a random step, the further the more often it has moved; tells its neighbour.
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
            ctx.send("walker" + std::to_string((i * 7 + 1) % 15), ctx.random().uniform());
            // Every third round leaves no trace but in the private state.
            if (ctx.agent_state().as_int() % 3 != 0)
              ctx.set(own, ctx.get<double>(own, 0.0) + sum * static_cast<double>(ctx.agent_state().as_int()));
          }};
}

TEST_CASE("rounds run again with private states, messages and random numbers, over restarts", "[replay]") {
  const Folder folder;
  for (int start = 0; start < 3; ++start) {
    Engine engine{on(folder)};
    engine.spawn_agents(15, walker).value();
    for (int round = 0; round < 7; ++round)
      engine.round().value();
    engine.spawn_agents(5, [](std::size_t i) { return walker(15 + i); }).value();
    for (int round = 0; round < 7; ++round)
      engine.round(round % 2 == 0 ? "*" : "walker1*").value();
  }
  const ReplayReport report = rerun(folder, [](Engine& engine) { return engine.spawn_agents(20, walker); });
  CHECK(report.runs > 300);
  CHECK(report.causes.at("round") == report.commits);

  const Error other = failure_of(
      folder, [](Engine& engine) { return engine.spawn_agents(20, [](std::size_t i) { return walker(19 - i); }); });
  CHECK(other.code() == Errc::not_replayable);
}

TEST_CASE("rounds whose beginning was dropped are not guessed", "[replay]") {
  const Folder folder;
  for (int start = 0; start < 3; ++start) {
    EngineOptions options = on(folder);
    options.journal.history_min = 30;
    Engine engine{options};
    engine.spawn_agents(15, walker).value();
    for (int round = 0; round < 150; ++round)
      engine.round().value();
  }
  REQUIRE(journal_extent(in(folder).path).value().first > 1);
  const Error lost = failure_of(folder, [](Engine& engine) { return engine.spawn_agents(15, walker); });
  CHECK(lost.code() == Errc::not_replayable);
  CHECK(lost.text().find("private state") != std::string::npos);
  CHECK(replay(in(folder).path));
}

/// Counts what it hears, and writes the count down now and then.
Agent listener() {
  return {
      .name = "listener", .writes = {"domain.heard"}, .on = {.messages = true}, .state = 0, .body = [](Context& ctx) {
        const std::int64_t heard = ctx.agent_state().as_int() + ctx.trigger().messages.front().content.as_int();
        ctx.agent_state() = heard;
        if (heard % 4 != 0)
          ctx.set("domain.heard", heard + static_cast<std::int64_t>(ctx.random().between(0, 9)) * 1000);
      }};
}

TEST_CASE("agents that act on their own run again, also after runs that left no record", "[replay]") {
  const Folder folder;
  for (int start = 0; start < 2; ++start) {
    Engine engine{on(folder)};
    engine.spawn_agent(listener()).value();
    for (int i = 0; i < 40; ++i)
      engine.send("listener", 1 + i % 3).value();
    // The last one is heard when its sum is there.
    const auto wanted = [](std::int64_t written) { return written % 1000 >= 79; };
    Version seen = 0;
    for (const auto end = std::chrono::steady_clock::now() + 60s;
         std::chrono::steady_clock::now() < end &&
         !wanted(engine.state().get<std::int64_t>("domain.heard", 0).value());)
      seen = engine.wait_for_change({"domain.heard"}, engine.version(), 1s).value_or(seen);
    REQUIRE(wanted(engine.state().get<std::int64_t>("domain.heard", 0).value()));
    engine.compare_and_swap(engine.version(), {{"domain.heard", 0}}).value();
  }
  const ReplayReport report = rerun(folder, [](Engine& engine) { return engine.spawn_agent(listener()); });
  CHECK(report.causes.at("agent") >= 40);
  CHECK(report.runs == report.causes.at("agent"));
}

/// Writes down all that it is told of why it runs.
Agent witness() {
  return {.name = "witness",
          .reads = {"domain.input"},
          .writes = {"domain.seen"},
          .on = {.signals = {"bell.*"}, .changes = {"domain.input"}, .tick = 2ms, .messages = true},
          .body = [](Context& ctx) {
            const Trigger& why = ctx.trigger();
            Value seen{{"number", why.number}, {"missed", why.missed},   {"name", why.name},
                       {"since", why.since},   {"payload", why.payload}, {"version", ctx.version()}};
            if (!why.paths.empty())
              seen.set("path", why.paths.front().text());
            if (!why.messages.empty())
              seen.set("message", why.messages.front().content);
            ctx.set(Path{"domain.seen"}.key(std::string{to_string(why.kind)}), seen);
          }};
}

TEST_CASE("agents that run again are told the same reasons", "[replay]") {
  const Folder folder;
  {
    Engine engine{on(folder)};
    engine.spawn_agent(witness()).value();
    engine.signals().send("bell.rang", {{"times", 3}});
    engine.compare_and_swap(engine.version(), {{"domain.input", 1}}).value();
    engine.send("witness", "hello").value();
    for (const char* kind : {"signal", "change", "message", "tick"})
      for (const auto end = std::chrono::steady_clock::now() + 60s;
           std::chrono::steady_clock::now() < end && !engine.state().find(Path{"domain.seen"}.key(kind));)
        (void)engine.wait_for_change({"domain.seen"}, engine.version(), 100ms);
    const Value seen = engine.state().get("domain.seen").value();
    REQUIRE(seen.size() == 4);
    CHECK(seen["signal"]["payload"] == Value{{"times", 3}});
    CHECK(seen["change"]["path"] == Value{"domain.input"});
    CHECK(seen["message"]["message"] == Value{"hello"});
  }
  const ReplayReport report = rerun(folder, [](Engine& engine) { return engine.spawn_agent(witness()); });
  CHECK(report.causes.at("agent") >= 4);
  CHECK(report.causes.at("swap") == 1);
}

Cohort flock() {
  return {.name = "flock",
          .agents = 100,
          .columns = {{.name = "x", .initial = [](std::size_t agent) { return static_cast<double>(agent); }}},
          .reads = {"x"},
          .writes = {"x"},
          .activation = Activation::random_sequential,
          .outputs = {"domain.sum"},
          .step = [](CohortStep& step) {
            const auto x = step.write("x");
            double sum = 0;
            step.each([&](std::size_t agent) { sum += x[agent] += step.random(agent).uniform(); });
            step.context().set("domain.sum", sum);
          }};
}

TEST_CASE("steps of cohorts run again on their columns", "[replay]") {
  const Folder folder;
  for (int start = 0; start < 2; ++start) {
    Engine engine{on(folder)};
    engine.spawn_cohort(flock()).value();
    for (int step = 0; step < 5; ++step)
      engine.step_cohort("flock").value();
  }
  const ReplayReport report = rerun(folder, [](Engine& engine) { return engine.spawn_cohort(flock()); });
  CHECK(report.causes == std::map<std::string, std::uint64_t>{{"cohort", 10}});
  CHECK(report.runs == 10);
}

TEST_CASE("workflows leave the cause of each of their commits", "[replay]") {
  const Folder folder;
  const std::string file = folder.file("flow.yaml",
                                       "name: evening\n"
                                       "inputs:\n  rates: {from: rates.json, into: domain.rates}\n"
                                       "steps:\n  - book\n  - {flux: set, values: {domain.day: 2}}\n"
                                       "  - {flux: emit, signal: day.done}\n");
  folder.file("rates.json", "[1, 2]");
  {
    Engine engine{on(folder)};
    engine.register_process(booking()).value();
    const auto ran = engine.execute_workflow(file);
    INFO((ran ? "" : ran.error().text()));
    REQUIRE(ran);
  }
  const ReplayReport report = rerun(folder, [](Engine& engine) { return engine.register_process(booking()); });
  CHECK(report.causes == std::map<std::string, std::uint64_t>{{"input", 1}, {"process", 1}, {"workflow", 2}});
}

TEST_CASE("an engine tells every version that its journal keeps", "[replay]") {
  const Folder folder;
  for (const Durability level : {Durability::os, Durability::disk_async}) {
    EngineOptions options = on(folder);
    options.journal.level = level;
    Engine engine{options};
    const Version start = engine.version();
    for (int i = 1; i <= 50; ++i)
      engine.compare_and_swap(engine.version(), {{"domain.count", i}}).value();
    for (int i = 1; i <= 50; ++i)
      CHECK(engine.state_at(start + static_cast<Version>(i)).value().get<int>("domain.count").value() == i);
    CHECK(engine.state_at(engine.version() + 1).error().code() == Errc::bad_argument);
  }
  Engine forgetful;
  forgetful.compare_and_swap(0, {{"domain.count", 1}}).value();
  CHECK(forgetful.state_at(1).value().get<int>("domain.count").value() == 1);
  CHECK(forgetful.state_at(0).error().code() == Errc::unsupported);
}

}  // namespace
}  // namespace theus
