#include <theus/engine.hpp>

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <latch>
#include <thread>

namespace theus {
namespace {

using std::chrono::milliseconds;

Process counting() {
  return {.name = "count",
          .inputs = {"domain.count"},
          .outputs = {"domain.count"},
          .arguments = {"by"},
          .body = [](Context& ctx) { return ctx.get<int>("domain.count", 0) + ctx.argument<int>("by", 1); }};
}

Value read(const Engine& engine, const Path& path) { return engine.state().find(path).value_or(Value{}); }

TEST_CASE("an execution reads, commits and tells its version", "[engine]") {
  Engine engine;
  engine.register_process(counting()).value();
  const Executed first = engine.execute("count").value();
  const Executed second = engine.execute("count", {{"by", 5}}).value();
  CHECK(first.version == 1);
  CHECK(second.value == Value{6});
  CHECK(engine.state().data().get<int>("domain.count", 0).value() == 6);
}

TEST_CASE("an unknown process or argument is refused with the nearest name", "[engine]") {
  Engine engine;
  engine.register_process(counting()).value();
  const Error process = engine.execute("coumt").error();
  CHECK(process.code() == Errc::unknown_process);
  CHECK(process.remedy().find("'count'") != std::string::npos);
  CHECK(engine.execute("count", {{"bye", 1}}).error().code() == Errc::bad_argument);
  CHECK(engine.register_process(counting()).error().code() == Errc::duplicate_name);
  CHECK(engine.version() == 0);
}

TEST_CASE("increments from many threads are all counted", "[engine]") {
  Engine engine;
  Process process = counting();
  process.attempts_max = 1000;
  engine.register_process(std::move(process)).value();
  std::vector<std::thread> threads;
  std::atomic<int> failed = 0;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        failed += engine.execute("count").ok() ? 0 : 1;
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(failed == 0);
  CHECK(read(engine, "domain.count") == Value{400});
}

TEST_CASE("asynchronous executions deliver their results and their errors", "[engine]") {
  Engine engine;
  engine.register_process(counting()).value();
  auto good = engine.execute_async("count", {{"by", 2}});
  auto bad = engine.execute_async("nobody");
  CHECK(good.get().value().value == Value{2});
  CHECK(bad.get().error().code() == Errc::unknown_process);
}

TEST_CASE("a value of more than a megabyte is committed, with one warning per path", "[engine]") {
  std::vector<std::string> warnings;
  EngineOptions options;
  options.log = [&](const LogEntry& entry) { warnings.push_back(entry.text); };
  Engine engine{options};
  for (const char* path : {"domain.a", "domain.a", "domain.b"})
    engine.compare_and_swap(engine.version(), {{path, std::string(std::size_t{2} << 20, 'x')}}).value();
  engine.compare_and_swap(engine.version(), {{"domain.c", std::string(std::size_t{1} << 19, 'x')}}).value();
  REQUIRE(warnings.size() == 2);
  CHECK(warnings[0].find("domain.a") != std::string::npos);
  CHECK(warnings[1].find("domain.b") != std::string::npos);
}

TEST_CASE("versions count up and never come from a clock [F87]", "[engine][F87]") {
  static_assert(std::is_same_v<Version, std::uint64_t>);
  Engine engine;
  for (Version expected = 1; expected <= 100; ++expected)
    CHECK(engine.compare_and_swap(expected - 1, {{"domain.n", static_cast<int>(expected)}}).value() == expected);
}

TEST_CASE("an engine call from inside a body is refused at once, naming both [F70]", "[engine][F70]") {
  Engine engine;
  engine.register_process(counting()).value();
  int number = 0;
  const auto nested = [&](std::function<void()> call) {
    const std::string name = "outer" + std::to_string(++number);
    engine
        .register_process({.name = name,
                           .outputs = {"domain.x"},
                           .body =
                               [call](Context& ctx) {
                                 ctx.set("domain.x", 1);
                                 call();
                               }})
        .value();
    return engine.execute(name);
  };
  const auto executes = nested([&] { engine.execute("count").value(); });
  CHECK(executes.error().code() == Errc::nested_call);
  CHECK(executes.error().cause().find("count") != std::string::npos);
  CHECK(executes.error().where().find("outer") != std::string::npos);
  const auto updates = nested([&] { engine.update("domain.y", [](const Value&) { return Value{1}; }).value(); });
  CHECK(updates.error().code() == Errc::nested_call);
  CHECK(nested([&] { engine.round("*").value(); }).error().code() == Errc::nested_call);
  CHECK(engine.version() == 0);
}

TEST_CASE("a nested call through another thread ends at its deadline at the latest [F70]", "[engine][F70]") {
  Engine engine{{.threads = 1}};
  engine.register_process(counting()).value();
  const auto roundabout = [&](Context&) {
    Result<Executed> inner = Error{Errc::internal, "", ""};
    std::thread{[&] { inner = engine.execute("count", Value::map(), {.timeout = milliseconds{200}}); }}.join();
    return inner ? Status{} : Status{inner.error()};
  };
  engine.register_process({.name = "roundabout", .outputs = {"domain.x"}, .body = roundabout}).value();
  CHECK(engine.execute("roundabout").error().code() == Errc::deadline);
  CHECK(engine.execute("count").ok());
}

TEST_CASE("beyond the limit of executions in flight, further ones are refused at once [F91]", "[engine][F91]") {
  Engine engine{{.in_flight_max = 4}};
  std::latch release{1};
  engine.register_process({.name = "wait", .body = [&](Context&) { release.wait(); }}).value();
  std::vector<PendingExecution> waiting;
  for (int i = 0; i < 4; ++i)
    waiting.push_back(engine.execute_async("wait"));
  for (int i = 0; i < 1000; ++i)
    REQUIRE(engine.execute("wait").error().code() == Errc::overloaded);
  CHECK(engine.statistics().overloaded == 1000);
  release.count_down();
  for (auto& each : waiting)
    CHECK(each.get().ok());
}

TEST_CASE("an overrun deadline is answered in time, writes nothing, and the process is usable at once", "[engine]") {
  Engine engine{{.threads = 2}};
  std::latch release{1};
  std::atomic<bool> slow = true;
  const auto body = [&](Context&) {
    if (slow.exchange(false))
      release.wait();
    return 1;
  };
  engine.register_process({.name = "slow", .outputs = {"domain.x"}, .timeout = milliseconds{50}, .body = body}).value();
  CHECK(engine.execute("slow").error().code() == Errc::deadline);
  CHECK(engine.version() == 0);
  CHECK(engine.execute("slow", Value::map(), {.timeout = std::chrono::seconds{30}}).ok());
  CHECK(engine.version() == 1);
  release.count_down();
}

TEST_CASE("an asynchronous call is answered at its deadline though nobody waits for it", "[engine]") {
  Engine engine{{.threads = 2}};
  std::latch release{1};
  const auto body = [&](Context&) { release.wait(); };
  engine.register_process({.name = "stuck", .timeout = milliseconds{50}, .body = body}).value();
  auto future = engine.execute_async("stuck");
  CHECK(future.get().error().code() == Errc::deadline);
  release.count_down();
}

TEST_CASE("a snapshot and its values outlive the engine", "[engine]") {
  std::optional<Snapshot> kept;
  {
    Engine engine;
    engine.compare_and_swap(0, {{"domain.text", std::string(1000, 'x')}}).value();
    kept = engine.state();
  }
  CHECK(kept->get<std::string>("domain.text").value().size() == 1000);
}

TEST_CASE("the documented compare-and-swap loop counts right from eight threads", "[engine]") {
  Engine engine;
  engine.compare_and_swap(0, {{"domain.counter", 0}}).value();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i)
        for (bool swapped = false; !swapped;) {
          const Snapshot now = engine.state();
          const int next = now.get<int>("domain.counter").value() + 1;
          swapped = engine.compare_and_swap(now.version(), {{"domain.counter", next}}).ok();
        }
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(read(engine, "domain.counter") == Value{800});
}

TEST_CASE("when a signal is received, the data of its commit is visible", "[engine]") {
  Engine engine;
  auto receiver = engine.signals().subscribe();
  const auto body = [](Context& ctx) {
    ctx.emit("first", {{"n", 1}});
    ctx.emit("second");
    return 7;
  };
  engine.register_process({.name = "announce", .outputs = {"domain.x"}, .body = body}).value();
  engine.execute("announce").value();
  const auto first = receiver.recv(std::chrono::seconds{10});
  const auto second = receiver.recv(std::chrono::seconds{10});
  REQUIRE(first.is_event());
  REQUIRE(second.is_event());
  CHECK(first.event().name == "first");
  CHECK(second.event().name == "second");
  CHECK(first.event().version == 1);
  CHECK(engine.version() >= first.event().version);
}

TEST_CASE("agents step in rounds, are listed in order and stop", "[engine]") {
  Engine engine;
  const auto agent = [](std::size_t i) {
    return Agent{.name = "agent" + std::to_string(i), .writes = {"domain.sum"}, .body = [](Context& ctx) {
                   ctx.increment("domain.sum", 1);
                 }};
  };
  engine.spawn_agents(100, agent).value();
  CHECK(engine.round("agent*").value().agents == 100);
  CHECK(engine.round("agent1?").value().agents == 10);
  CHECK(read(engine, "domain.sum") == Value{110});
  engine.stop_agent("agent5").value();
  CHECK(engine.stop_agent("agent5").error().code() == Errc::unknown_agent);
  CHECK(engine.agents().size() == 99);
  CHECK(engine.agents().at(5) == "agent6");
}

TEST_CASE("what a body logs and how far it is can be seen from outside", "[engine]") {
  std::vector<std::string> lines;
  Engine engine{{.log = [&](const LogEntry& entry) { lines.push_back(entry.process + ": " + entry.text); }}};
  const auto body = [](Context& ctx) {
    ctx.log().info("hello", {{"n", 1}});
    ctx.progress(3, 10);
    throw std::runtime_error("then it fails");
  };
  engine.register_process({.name = "talker", .body = body}).value();
  CHECK_FALSE(engine.execute("talker").ok());
  CHECK(lines == std::vector<std::string>{"talker: hello"});
  CHECK(engine.progress("talker").done == 3);
  CHECK(engine.progress("talker").total == 10);
}

TEST_CASE("a shut-down engine refuses work but still shows its state", "[engine]") {
  Engine engine;
  engine.register_process(counting()).value();
  engine.execute("count").value();
  engine.shutdown(std::chrono::seconds{10}).value();
  CHECK(engine.execute("count").error().code() == Errc::closed);
  CHECK(engine.compare_and_swap(1, {{"domain.x", 1}}).error().code() == Errc::closed);
  CHECK(read(engine, "domain.count") == Value{1});
}

}  // namespace
}  // namespace theus
