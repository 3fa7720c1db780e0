#include "tests/support/folder.hpp"

#include <theus/engine.hpp>
#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <unistd.h>

#include <future>
#include <mutex>

namespace theus {
namespace {

using namespace std::chrono_literals;
using testing::Folder;

EngineOptions on(const Folder& folder, Durability level = Durability::disk) {
  return {.journal = {.path = folder.path() / "state.journal", .level = level}};
}

void add_count(Engine& engine) {
  engine
      .register_process({.name = "count",
                         .inputs = {"domain.count"},
                         .outputs = {"domain.count"},
                         .body = [](Context& ctx) { return ctx.get<std::int64_t>("domain.count", 0) + 1; }})
      .value();
}

TEST_CASE("an engine goes on where the last one ended, through whatever door it was written", "[journal]") {
  const Folder folder;
  {
    Engine engine{on(folder)};
    REQUIRE(engine.recovery());
    CHECK(engine.recovery()->version == 0);
    add_count(engine);
    engine.compare_and_swap(0, {{"domain.name", "first"}}).value();
    CHECK(engine.execute("count").value().value == Value{1});
    CHECK(engine.execute_async("count").future().get().value().value == Value{2});
    engine.transaction([](Transaction& change) { return change.append("log_history", "counted"); }).value();
    engine
        .spawn_agents(3,
                      [](std::size_t i) {
                        const std::string path = "domain.agents.a" + std::to_string(i);
                        return Agent{.name = "a" + std::to_string(i),
                                     .reads = {path},
                                     .writes = {path},
                                     .body = [path](Context& ctx) { return ctx.get<std::int64_t>(path, 0) + 1; }};
                      })
        .value();
    engine.round().value();
    engine.round().value();
    CHECK(engine.version() == 6);
    CHECK(engine.durable_version() == 6);
    CHECK(engine.shutdown(10s));
  }
  Engine engine{on(folder)};
  CHECK(engine.recovery()->version == 6);
  CHECK(engine.version() == 6);
  const Snapshot state = engine.state();
  CHECK(state.get<std::string>("domain.name").value() == "first");
  CHECK(state.get<int>("domain.count").value() == 2);
  CHECK(state.get<int>("domain.agents.a2").value() == 2);
  CHECK(state.get("log_history").value() == Value::list({"counted"}));
  add_count(engine);
  CHECK(engine.execute("count").value().version == 7);
}

TEST_CASE("constants and initial data are written once, by the engine that made the journal", "[journal]") {
  const Folder folder;
  EngineOptions options = on(folder);
  options.initial = {{"const_limit", 3}, {"domain.count", 0}};
  options.seed = 42;
  {
    Engine engine{options};
    engine.update("domain.count", [](const Value&) { return Value{9}; }).value();
  }
  options.initial = {{"const_limit", 5}, {"domain.count", 1}};
  const Engine engine{options};
  CHECK(engine.state().get<int>("const_limit").value() == 3);
  CHECK(engine.state().get<int>("domain.count").value() == 9);
}

TEST_CASE("a request id is remembered across engines [F88]", "[journal][F88]") {
  const Folder folder;
  {
    Engine engine{on(folder)};
    add_count(engine);
    CHECK(engine.execute("count", Value::map(), {.request_id = "job-7"}).value().value == Value{1});
    CHECK(engine.compare_and_swap(1, {{"domain.x", 1}}, {.request_id = "swap-1"}).value() == 2);
  }
  Engine engine{on(folder)};
  add_count(engine);
  const auto again = engine.execute("count", Value::map(), {.request_id = "job-7"});
  CHECK(again.value().value == Value{1});
  CHECK(again.value().version == 1);
  CHECK(engine.compare_and_swap(1, {{"domain.x", 1}}, {.request_id = "swap-1"}).value() == 2);
  CHECK(engine.version() == 2);
}

TEST_CASE("edits and elevations stand in the audit log of the next engine, too", "[journal]") {
  const Folder folder;
  EngineOptions options = on(folder);
  options.access.admin = true;
  {
    Engine engine{options};
    Transaction edit = engine.edit("too high").value();
    edit.set("domain.limit", 5).value();
    edit.commit().value();
    Transaction elevated = engine.transaction().value();
    elevated.admin("repair").value();
    elevated.set("internal_index", 1).value();
    elevated.commit().value();
    // The elevation is safe before anything it allowed is.
    const auto entries = engine.audit_log();
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].reason == "too high");
    CHECK(entries[0].version == 1);
    CHECK(entries[1].reason == "repair");
  }
  const Engine engine{options};
  const auto entries = engine.audit_log();
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].reason == "too high");
  CHECK(entries[0].sequence == 1);
  CHECK(entries[1].kind == AuditEntry::Kind::elevation);
  CHECK(entries[1].sequence == 2);
}

TEST_CASE("a commit that is published at once says when it is safe", "[journal]") {
  const Folder folder;
  EngineOptions options = on(folder, Durability::disk_async);
  std::mutex mutex;
  std::vector<Version> told;
  options.journal.on_durable = [&](Version version) {
    const std::lock_guard lock{mutex};
    told.push_back(version);
  };
  {
    Engine engine{options};
    for (Version base = 0; base < 50; ++base)
      engine.compare_and_swap(base, {{"domain.count", static_cast<std::int64_t>(base)}}).value();
    CHECK(engine.wait_durable(50, 30s));
    CHECK(engine.durable_version() == 50);
    CHECK(engine.wait_durable(51, 0ms).error().code() == Errc::timeout);
  }
  REQUIRE_FALSE(told.empty());
  CHECK(std::ranges::is_sorted(told));
  CHECK(told.back() == 50);
}

TEST_CASE("without a journal nothing is waited for", "[journal]") {
  const Engine engine;
  CHECK_FALSE(engine.recovery());
  CHECK(engine.wait_durable(0).error().code() == Errc::unsupported);
}

TEST_CASE("a second engine on the journal is refused with the process of the first [F12]", "[journal][F12]") {
  const Folder folder;
  const Engine first{on(folder)};
  try {
    const Engine second{on(folder)};
    FAIL("it was built");
  } catch (const JournalError& error) {
    CHECK(error.error().code() == Errc::journal_in_use);
    CHECK(*error.error().field("pid") == Value{::getpid()});
  }
}

TEST_CASE("a signal is heard after its commit is safe, once", "[journal]") {
  const Folder folder;
  Engine engine{on(folder)};
  engine
      .register_process({.name = "tell",
                         .outputs = {"domain.count"},
                         .body =
                             [](Context& ctx) {
                               ctx.emit("counted", 1);
                               return 1;
                             }})
      .value();
  auto receiver = engine.signals().subscribe();
  engine.execute("tell").value();
  const Received received = receiver.recv(30s);
  REQUIRE(received.is_event());
  CHECK(received.event().version == 1);
  CHECK(receiver.try_recv().is_empty());
}

TEST_CASE("appends of many threads and actors are all kept", "[journal]") {
  const Folder folder;
  {
    Engine engine{on(folder, Durability::os)};
    engine
        .register_process(
            {.name = "note", .outputs = {"log_notes"}, .body = [](Context& ctx) { ctx.append("log_notes", "n"); }})
        .value();
    std::vector<std::future<Result<Executed>>> waiting;
    for (int i = 0; i < 200; ++i)
      waiting.push_back(engine.execute_async("note").future());
    std::vector<std::future<void>> threads;
    for (int thread = 0; thread < 4; ++thread)
      threads.push_back(std::async(std::launch::async, [&] {
        for (int i = 0; i < 50; ++i)
          engine.transaction([](Transaction& change) { return change.append("log_notes", "t"); }).value();
      }));
    for (auto& each : waiting)
      each.get().value();
  }
  const Engine engine{on(folder)};
  CHECK(engine.version() == 400);
  CHECK(engine.state().get("log_notes").value().size() == 400);
}

}  // namespace
}  // namespace theus
