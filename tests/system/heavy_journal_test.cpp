// Handles of heavy buffers in a journal: what they name does not outlive the engine, and nothing else suffers from it.

#include "tests/support/folder.hpp"

#include <theus/engine.hpp>
#include <theus/replay.hpp>

#include <catch2/catch.hpp>

#include <numeric>

namespace theus {
namespace {

using testing::Folder;

EngineOptions on(const Folder& folder, Durability level = Durability::disk, std::uint64_t checkpoint_interval = 1000) {
  return {
      .log = [](const LogEntry&) {},
      .journal = {.path = folder.path() / "state.journal", .level = level, .checkpoint_interval = checkpoint_interval}};
}

Value ramp(Engine& engine, std::uint64_t count) {
  auto buffer = engine.heavy().alloc<float>({count}).value();
  std::iota(buffer.span().begin(), buffer.span().end(), 0.0F);
  return buffer.publish().value();
}

Value at(const Engine& engine, const Path& path) { return engine.state().find(path).value_or(Value{}); }

std::optional<Errc> view_of(Engine& engine, const Value& handle) {
  const auto view = engine.heavy().view<float>(handle);
  return view ? std::nullopt : std::optional{view.error().code()};
}

Process measuring() {
  Process process{.name = "measure", .outputs = {"domain.heavy_samples", "domain.count"}};
  process.body = [](Context&) {
    return Returned::named({{"domain.heavy_samples", to_value(std::vector<double>{1.5, 2.5})}, {"domain.count", 2}});
  };
  return process;
}

TEST_CASE("after a restart a journalled handle is lost, and everything else is there", "[heavy][journal]") {
  const auto level = GENERATE(Durability::disk, Durability::os, Durability::disk_async);
  const auto checkpoint_interval = GENERATE(2U, 1000U);
  const Folder folder;
  {
    Engine engine{on(folder, level, checkpoint_interval)};
    engine.register_process(measuring()).value();
    engine.compare_and_swap(0, {Write::set("heavy.a", ramp(engine, 1000)), Write::set("domain.name", "kept")}).value();
    engine.execute("measure").value();
    const Value rows = Value::list({ramp(engine, 10), ramp(engine, 20)});
    engine.transaction([&](Transaction& change) { return change.write(Write::set("domain.heavy_rows", rows)); })
        .value();
    for (int i = 0; i < 5; ++i)
      engine.compare_and_swap(engine.version(), {Write::set("domain.number", i)}).value();
    CHECK(view_of(engine, at(engine, "heavy.a")) == std::nullopt);
  }
  Engine engine{on(folder, level, checkpoint_interval)};
  CHECK(engine.recovery()->version == 8);
  CHECK(at(engine, "domain.name") == Value{"kept"});
  CHECK(at(engine, "domain.count") == Value{2});
  const Value lost = at(engine, "heavy.a");
  REQUIRE(lost.is_heavy());
  CHECK(at(engine, "domain.heavy_samples").is_heavy());
  CHECK(view_of(engine, lost) == Errc::heavy_lost);
  CHECK(view_of(engine, at(engine, "domain.heavy_rows")[1]) == Errc::heavy_lost);
  CHECK(engine.compare_and_swap(8, {Write::set("heavy.b", lost)}).error().code() == Errc::heavy_lost);

  // Buffers of the new run stand in the places of the old ones, and are not taken for them.
  engine.compare_and_swap(8, {Write::set("heavy.b", ramp(engine, 1000))}).value();
  CHECK(view_of(engine, lost) == Errc::heavy_lost);
  CHECK(engine.compare_and_swap(9, {Write::set("heavy.c", lost)}).error().code() == Errc::heavy_lost);
  engine.compare_and_swap(9, {Write::set("heavy.a", ramp(engine, 7))}).value();
  CHECK(view_of(engine, at(engine, "heavy.a")) == std::nullopt);
}

TEST_CASE("a journal with handles is whole, and its processes run again", "[heavy][journal][replay]") {
  const Folder folder;
  {
    Engine engine{on(folder, Durability::disk, 3)};
    engine.register_process(measuring()).value();
    for (int i = 0; i < 4; ++i) {
      engine.compare_and_swap(engine.version(), {Write::set("heavy.a", ramp(engine, 100))}).value();
      engine.execute("measure").value();
    }
  }
  const auto path = folder.path() / "state.journal";
  const auto verified = replay(path);
  REQUIRE(verified);
  CHECK(verified->version == 8);
  CHECK(verified->checkpoints > 0);
  CHECK(state_at(path, 3).value().find("heavy.a")->is_heavy());
  const auto rerun = replay(path, {.definitions = [](Engine& engine) { return engine.register_process(measuring()); }});
  REQUIRE(rerun);
  CHECK(rerun->runs == 4);
}

TEST_CASE("a journal keeps no buffer alive that no version names any more", "[heavy][journal]") {
  const auto level = GENERATE(Durability::disk, Durability::disk_async);
  const Folder folder;
  Engine engine{on(folder, level)};
  for (int i = 0; i < 20; ++i)
    engine.compare_and_swap(engine.version(), {Write::set("heavy.a", ramp(engine, 100))}).value();
  engine.wait_durable(20).value();
  (void)engine.state_statistics();  // looks which old versions are held
  CHECK(engine.heavy().statistics().buffers == 1);
}

}  // namespace
}  // namespace theus
