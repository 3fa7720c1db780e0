#include <theus/engine.hpp>

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <latch>
#include <thread>

namespace {

struct Scale {
  int factor;
  std::optional<std::string> note;
};
THEUS_FIELDS(Scale, factor, note)

struct Number {
  int of;
};
THEUS_FIELDS(Number, of)

struct Point {
  double x;
  double y;
};
THEUS_FIELDS(Point, x, y)

}  // namespace

namespace theus {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A coroutine that nobody waits for.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

Detached double_twice(Engine& engine, std::promise<Result<Executed>>& last) {
  auto first = co_await engine.execute_async("twice", Number{3});
  auto second = co_await engine.execute_async("twice", Number{first->get<int>().value()});
  last.set_value(std::move(second));
}

Process twice() {
  return {.name = "twice", .outputs = {"domain.twice"}, .arguments = {"of"}, .body = [](Context& ctx) {
            return 2 * ctx.argument<int>("of");
          }};
}

TEST_CASE("a coroutine awaits executions one after the other", "[execute]") {
  Engine engine;
  engine.register_process(twice()).value();
  std::promise<Result<Executed>> last;
  double_twice(engine, last);
  CHECK(last.get_future().get().value().value == Value{12});
  CHECK(engine.version() == 2);
}

TEST_CASE("an asynchronous result goes to a callback on the executor, or to a future", "[execute]") {
  std::latch may_end{1};
  std::atomic<int> executed = 0;
  std::promise<Result<Executed>> told;
  Engine engine;
  Process waiting = twice();
  waiting.body = [&](Context& ctx) {
    may_end.wait();
    return 2 * ctx.argument<int>("of");
  };
  engine.register_process(std::move(waiting)).value();
  const Executor executor = [&](std::function<void()> what) {
    ++executed;
    what();
  };
  engine.execute_async("twice", {{"of", 1}}, {.executor = executor}).then([&](Result<Executed> result) {
    told.set_value(std::move(result));
  });
  may_end.count_down();
  CHECK(told.get_future().get()->value == Value{2});
  CHECK(executed == 1);
  CHECK(engine.execute_async("twice", {{"of", 2}}).future().get()->value == Value{4});
  CHECK(executed == 1);
}

TEST_CASE("what cannot begin is told to whoever awaits it", "[execute]") {
  Engine engine;
  CHECK(engine.execute_async("nobody").get().error().code() == Errc::unknown_process);
  std::optional<Errc> told;
  engine.execute_async("nobody").then([&](const Result<Executed>& result) { told = result.error().code(); });
  CHECK(told == Errc::unknown_process);
}

TEST_CASE("a call that is cancelled answers at once and commits nothing [F15]", "[execute][F15]") {
  Engine engine{{.threads = 2}};
  std::latch begun{1};
  std::promise<bool> noticed;
  const auto body = [&](Context& ctx) {
    begun.count_down();
    while (!ctx.is_cancelled())
      std::this_thread::yield();
    noticed.set_value(true);
    return 1;
  };
  engine.register_process({.name = "long", .outputs = {"domain.x"}, .body = body}).value();
  auto pending = engine.execute_async("long");
  begun.wait();
  pending.cancel();
  const Error error = pending.get().error();
  CHECK(error.code() == Errc::cancelled);
  CHECK(noticed.get_future().get());
  CHECK(engine.shutdown(seconds{10}).ok());
  CHECK(engine.version() == 0);
}

TEST_CASE("a stop token cancels a call from another thread, before it begins too", "[execute]") {
  Engine engine{{.threads = 2}};
  std::latch begun{1};
  const auto body = [&](Context& ctx) {
    begun.count_down();
    while (!ctx.is_cancelled())
      std::this_thread::yield();
  };
  engine.register_process({.name = "long", .body = body}).value();
  std::stop_source source;
  std::jthread stopper{[&] {
    begun.wait();
    source.request_stop();
  }};
  CHECK(engine.execute("long", Value::map(), {.cancel = source.get_token()}).error().code() == Errc::cancelled);
  CHECK(engine.execute("long", Value::map(), {.cancel = source.get_token()}).error().code() == Errc::cancelled);
}

TEST_CASE("blocking bodies that ignore their deadline hold no actor up [F15]", "[execute][F15]") {
  Engine engine{{.threads = 1, .blocking_threads_max = 4}};
  std::latch release{1};
  engine.register_process(twice()).value();
  engine
      .register_process({.name = "stuck",
                         .outputs = {"domain.x"},
                         .blocking = true,
                         .timeout = milliseconds{50},
                         .body =
                             [&](Context&) {
                               release.wait();
                               return 1;
                             }})
      .value();
  std::vector<PendingExecution> stuck;
  for (int i = 0; i < 6; ++i)  // two of them find no thread
    stuck.push_back(engine.execute_async("stuck"));
  for (auto& each : stuck)
    CHECK(each.get().error().code() == Errc::deadline);
  CHECK(engine.execute("twice", {{"of", 4}}).value().value == Value{8});
  CHECK(engine.statistics().blocking_threads == 4);
  CHECK(engine.statistics().blocking_waiting == 2);
  release.count_down();
  CHECK(engine.shutdown(seconds{10}).ok());
  CHECK(engine.state().find("domain.x").has_value() == false);
}

TEST_CASE("a blocking body commits and is retried like any other", "[execute]") {
  Engine engine{{.threads = 1}};
  engine
      .register_process({.name = "count",
                         .inputs = {"domain.n"},
                         .outputs = {"domain.n"},
                         .blocking = true,
                         .attempts_max = 1000,
                         .body = [](Context& ctx) { return ctx.get<int>("domain.n", 0) + 1; }})
      .value();
  std::vector<PendingExecution> calls;
  for (int i = 0; i < 40; ++i)
    calls.push_back(engine.execute_async("count"));
  for (auto& call : calls)
    CHECK(call.get().ok());
  CHECK(engine.state().get<int>("domain.n").value() == 40);
}

TEST_CASE("a body takes its arguments as a struct, whose members are the declared arguments", "[execute]") {
  Engine engine;
  engine
      .register_process({.name = "scale",
                         .inputs = {"domain.point"},
                         .outputs = {"domain.point"},
                         .body =
                             [](Context& ctx, const Scale& scale) {
                               auto point = ctx.get<Point>("domain.point", Point{1, 2});
                               return Point{point.x * scale.factor, point.y * scale.factor};
                             }})
      .value();
  CHECK(engine.processes().front().arguments == std::vector<std::string>{"factor", "note"});
  const Executed done = engine.execute("scale", Scale{3, {}}).value();
  CHECK(done.get<Point>().value().y == 6);
  CHECK(engine.execute("scale", {{"factor", 2}, {"note", "again"}}).ok());

  const Error kind = engine.execute("scale", {{"factor", "two"}}).error();
  CHECK(kind.code() == Errc::bad_argument);
  CHECK(kind.text().find("factor") != std::string::npos);
  CHECK(engine.execute("scale", {{"note", "no factor"}}).error().code() == Errc::bad_argument);
  CHECK(engine.execute("scale", {{"factr", 1}}).error().remedy().find("'factor'") != std::string::npos);
  CHECK(engine.version() == 2);
}

TEST_CASE("a pure process that writes is refused, whatever way it tries and however many try at once [F82]",
          "[execute][F82]") {
  Engine engine{{.initial = {{"domain.in", {{"list", Value::list({1})}, {"n", 1}}}}}};
  const std::vector<std::function<void(Context&)>> ways{
      [](Context& ctx) { ctx.set("domain.in", 2); },
      [](Context& ctx) { ctx.set("domain.in.deep.deeper", 2); },
      [](Context& ctx) { ctx.erase("domain.in.n"); },
      [](Context& ctx) { ctx.append("domain.in.list", 2); },
      [](Context& ctx) { ctx.splice("domain.in.list", 0, 1, Value::list()); },
      [](Context& ctx) { ctx.increment("domain.in.n"); },
      [](Context& ctx) { ctx.max("domain.in.n", 9); },
      [](Context& ctx) { ctx.insert("domain.in.list", 2); },
      [](Context& ctx) { ctx.move("domain.in.n", "domain.in.m"); },
      [](Context& ctx) { ctx.set("domain.other", 2); },
  };
  for (std::size_t i = 0; i < ways.size(); ++i)
    engine
        .register_process({.name = "way" + std::to_string(i),
                           .inputs = {"domain.in"},
                           .semantic = Semantic::pure,
                           .body = [way = ways[i]](Context& ctx) { way(ctx); }})
        .value();
  const Version before = engine.version();
  std::atomic<int> refused{0};
  {
    std::vector<std::jthread> callers;
    for (std::size_t i = 0; i < ways.size(); ++i)
      callers.emplace_back([&, i] {
        for (int repeat = 0; repeat < 20; ++repeat) {
          const auto result = engine.execute("way" + std::to_string(i));
          if (!result && result.error().code() == Errc::contract_violation &&
              *result.error().field("rule") == Value{"illegal_write"})
            refused.fetch_add(1);
        }
      });
  }
  CHECK(refused == 200);
  CHECK(engine.version() == before);
}

TEST_CASE("statistics tell what was executed, refused and retried, and how long it took", "[execute]") {
  Engine engine;
  engine.register_process(twice()).value();
  engine
      .register_process({.name = "fails",
                         .body = [](Context&) -> Status {
                           return Error{Errc::bad_input, "x", "no"};
                         }})
      .value();
  engine.execute("twice", {{"of", 1}}).value();
  engine.execute("twice", {{"of", 2}}).value();
  CHECK_FALSE(engine.execute("fails").ok());
  CHECK_FALSE(engine.compare_and_swap(0, {{"domain.twice", 0}}).ok());

  const EngineStatistics told = engine.statistics();
  REQUIRE(told.processes.size() == 2);
  const auto& [fails, doubled] = std::tie(told.processes[0], told.processes[1]);
  CHECK(fails.process == "fails");
  CHECK(fails.failed == 1);
  CHECK(doubled.succeeded == 2);
  CHECK(doubled.latency.count == 2);
  CHECK(doubled.latency.p50.count() > 0);
  CHECK(doubled.latency.max >= doubled.latency.p50);
  REQUIRE(told.conflicts.size() == 1);
  CHECK(told.conflicts[0].path == "domain.twice");
}

TEST_CASE("in a forked child every call is refused, and the parent goes on [F13]", "[execute][F13]") {
  Engine engine;
  engine.register_process(twice()).value();
  engine.execute("twice", {{"of", 1}}).value();
  const auto refused = [](const auto& result) { return !result.ok() && result.error().code() == Errc::forked; };
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int wrong = 0;
    wrong += refused(engine.execute("twice", {{"of", 1}})) ? 0 : 1;
    wrong += refused(engine.execute_async("twice", {{"of", 1}}).get()) ? 0 : 2;
    wrong += refused(engine.compare_and_swap(1, {{"domain.x", 1}})) ? 0 : 4;
    wrong += refused(engine.transaction()) ? 0 : 8;
    wrong += refused(engine.round()) ? 0 : 16;
    wrong += refused(engine.shutdown(seconds{1})) ? 0 : 32;
    wrong += refused(engine.watch({Path{"domain"}})) ? 0 : 64;
    ::_exit(wrong);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(engine.execute("twice", {{"of", 2}}).ok());
}

TEST_CASE("an engine that goes in a forked child does not wait for threads that are not there [F13]",
          "[execute][F13]") {
  auto engine = std::make_unique<Engine>();
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::alarm(20);
    engine.reset();
    ::_exit(0);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
}

}  // namespace
}  // namespace theus
