// What joined engines have committed, as the owner's journal tells of it.

#include "tests/support/booking.hpp"
#include "tests/support/folder.hpp"

#include <theus/engine.hpp>
#include <theus/replay.hpp>

#include <catch2/catch.hpp>

#include <map>

namespace theus {
namespace {

using testing::booking;
using testing::Folder;

JournalOptions in(const Folder& folder) {
  return {.path = folder.path() / "run.journal", .level = Durability::os, .checkpoint_interval = 20};
}

/// An engine that others can join.
EngineOptions on(const Folder& folder) {
  return {.threads = 2,
          .seed = 7,
          .log = [](const LogEntry&) {},
          .journal = in(folder),
          .attach = {.folder = folder.path() / ".theus"}};
}

Error failure_of(const Folder& folder, const std::function<Status(Engine&)>& definitions) {
  const auto report = replay(in(folder).path, {.definitions = definitions});
  REQUIRE_FALSE(report);
  return report.error();
}

}  // namespace

TEST_CASE("what processes of joined engines have done is run again, and named when it comes out otherwise",
          "[replay]") {
  const Folder folder;
  {
    Engine engine{on(folder)};
    engine.register_process(booking()).value();
    Engine first = Engine::from_handle(engine.context_handle().value(), {.threads = 1}).value();
    Engine second = Engine::from_handle(engine.context_handle().value(), {.threads = 1}).value();
    for (Engine* const joined : {&first, &second})
      joined->register_process(booking()).value();
    for (int i = 0; i < 5; ++i)
      for (Engine* const each : {&engine, &first, &second})
        each->execute("book", {{"amount", 100 + i}}).value();
    second.transaction([](Transaction& edit) { return edit.set("domain.note", "x"); }).value();
    second.spawn_agent({.name = "member", .writes = {"domain.member"}, .body = [](Context&) { return 1; }}).value();
    second.round().value();
  }
  const auto report =
      replay(in(folder).path, {.definitions = [](Engine& engine) { return engine.register_process(booking()); }})
          .value();
  CHECK(report.runs == 15);
  CHECK(report.causes ==
        std::map<std::string, std::uint64_t>{
            {"process", 5}, {"process (joined)", 10}, {"round (joined)", 1}, {"transaction (joined)", 1}});
  CHECK(failure_of(folder, [](Engine&) { return Status{}; }).code() == Errc::not_replayable);
}

TEST_CASE("a replay tells in which joined process a body was another one", "[replay]") {
  const Folder folder;
  {
    Engine engine{on(folder)};
    engine.register_process(booking()).value();
    engine.execute("book", {{"amount", 400}}).value();
    const Engine first = Engine::from_handle(engine.context_handle().value(), {.threads = 1}).value();
    Engine second = Engine::from_handle(engine.context_handle().value(), {.threads = 1}).value();
    second.register_process(booking(7)).value();
    second.execute("book", {{"amount", 1}}).value();
  }
  const Error diverged = failure_of(folder, [](Engine& engine) { return engine.register_process(booking()); });
  CHECK(diverged.code() == Errc::replay_diverged);
  CHECK(diverged.where() == "process 'book' of the joined process 2, version 2");
  CHECK(*diverged.field("origin") == Value{2});
}

}  // namespace theus
