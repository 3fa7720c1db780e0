#include <theus/engine.hpp>
#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <map>
#include <thread>

namespace theus {
namespace {

using namespace std::chrono_literals;

/// Counts up, and tells so by two signals; now and then it fails after them.
Process counter() {
  return {.name = "count",
          .inputs = {"domain.count"},
          .outputs = {"domain.count"},
          .arguments = {"fail"},
          .body = [](Context& ctx) {
            const int next = ctx.get<int>("domain.count", 0) + 1;
            ctx.emit("counting", next);
            ctx.emit("counted", next);
            if (ctx.argument<bool>("fail", false))
              throw std::runtime_error("no");
            return next;
          }};
}

}  // namespace

TEST_CASE("signals come in commit order, once per commit, through conflicts, retries and failures",
          "[engine][signal_hub]") {
  Engine engine{{.signal_capacity = 4096}};
  engine.register_process(counter()).value();
  SignalReceiver receiver = engine.signals().subscribe();
  constexpr int threads = 4;
  constexpr int calls = 60;
  std::atomic<int> conflicts{0};
  {
    std::vector<std::jthread> callers;
    for (int t = 0; t < threads; ++t)
      callers.emplace_back([&] {
        for (int i = 0; i < calls; ++i) {
          const bool fails = i % 5 == 4;
          const auto done = engine.execute("count", {{"fail", fails}});
          if (done)
            conflicts += done->attempts - 1;
          else if (!fails)
            throw std::runtime_error(done.error().text());
          // Commits without signals in between, some of which conflict with the counting.
          engine.update("domain.count", [](const Value& count) { return count; }).value();
        }
      });
  }
  const int counted = threads * calls * 4 / 5;
  CHECK(engine.state().data().get<int>("domain.count").value() == counted);

  Version last = 0;
  for (int expected = 1; expected <= counted; ++expected) {
    CAPTURE(expected, conflicts.load());
    const Received first = receiver.try_recv();
    const Received second = receiver.try_recv();
    REQUIRE(first->name == "counting");
    REQUIRE(second->name == "counted");
    REQUIRE(first->payload == Value{expected});
    REQUIRE(second->payload == Value{expected});
    REQUIRE(first->version > last);
    REQUIRE(second->version == first->version);
    REQUIRE(first->index == 0);
    REQUIRE(second->index == 1);
    last = first->version;
  }
  CHECK(receiver.try_recv().is_empty());
}

TEST_CASE("when a signal is received, the data of its commit is there", "[engine][signal_hub]") {
  Engine engine;
  engine.register_process(counter()).value();
  SignalReceiver receiver = engine.signals().subscribe({.filter = "counted", .overflow = SignalOverflow::block(10s)});
  std::jthread caller{[&] {
    for (int i = 0; i < 500; ++i)
      engine.execute("count").value();
    engine.signals().close();
  }};
  for (Received received = receiver.recv(); !received.is_closed(); received = receiver.recv()) {
    const Snapshot state = engine.state();
    REQUIRE(state.version() >= received->version);
    REQUIRE(state.data().get<int>("domain.count").value() >= received->payload.value().as_int());
  }
}

}  // namespace theus
