// Signals of a running engine, heard and sent by clients over its real socket.

#include <theus/attach.hpp>
#include <theus/engine.hpp>
#include <theus/errors.hpp>

#include "tests/support/folder.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

using namespace std::chrono_literals;

struct SignalStage {
  testing::Folder folder;
  Engine engine{{.threads = 1, .signal_capacity = 64, .attach = {folder.path() / ".theus"}}};

  AttachedEngine attach() const { return AttachedEngine::attach(engine.attach_handle().value()).value(); }
};

std::string text_of(const HeardSignal& signal) {
  return signal.name + " " + std::to_string(signal.version) + "/" + std::to_string(signal.index);
}

}  // namespace

TEST_CASE("an attached client hears the signals of commits, which then can be read", "[attach][signal]") {
  SignalStage stage;
  stage.engine
      .register_process({.name = "work",
                         .outputs = {"domain.done"},
                         .body =
                             [](Context& ctx) {
                               ctx.emit("status", "ok");
                               ctx.emit("progress", 7);
                               return 1;
                             }})
      .value();
  AttachedEngine client = stage.attach();
  client.listen().value();
  stage.engine.execute("work").value();
  std::vector<std::string> heard;
  while (heard.size() < 2)
    for (const HeardSignal& signal : client.next_signals(30s).value())
      heard.push_back(text_of(signal));
  CHECK(heard == std::vector<std::string>{"status 1/0", "progress 1/1"});
  CHECK(client.get("domain.done").value().version == 1);
}

TEST_CASE("what an attached client sends is heard like any other signal", "[attach][signal]") {
  SignalStage stage;
  SignalReceiver receiver = stage.engine.signals().subscribe();
  AttachedEngine client = stage.attach();
  CHECK(client.send_signal("cmd_stop", {{"why", "tea"}}).value() == 1);
  const Received received = receiver.try_recv();
  CHECK(received->name == "cmd_stop");
  CHECK(received->payload["why"] == Value{"tea"});
}

TEST_CASE("a signal that cannot be sent at once is refused, and holds up nobody", "[attach][signal]") {
  SignalStage stage;
  AttachedEngine client = stage.attach();
  const auto code = [&](std::string_view name, const Value& payload = {}) {
    return client.send_signal(name, payload).error().code();
  };
  CHECK(code("") == Errc::bad_argument);
  CHECK(code(std::string(256, 'x')) == Errc::bad_argument);
  stage.engine.signals().limit_rate("storm", 1);
  CHECK(client.send_signal("storm", {}).ok());
  CHECK(code("storm") == Errc::overloaded);
  SignalReceiver stuck = stage.engine.signals().subscribe({.overflow = SignalOverflow::block(1h)});
  for (int i = 0; i < 64; ++i)
    client.send_signal("fill", i).value();
  CHECK(code("one more") == Errc::overloaded);
  CHECK(client.info().ok());
}

TEST_CASE("a client that cannot keep up is told exactly how many signals it missed [F90]", "[attach][signal][F90]") {
  SignalStage stage;
  AttachedEngine client = stage.attach();
  client.listen().value();
  constexpr std::uint64_t sent = 50'000;
  for (std::uint64_t i = 0; i < sent; ++i)
    stage.engine.signals().send("storm", i);
  std::uint64_t heard = 0;
  std::uint64_t missed = 0;
  for (std::uint64_t last = 0; last < sent;)
    for (const HeardSignal& signal : client.next_signals(30s).value()) {
      heard += signal.missed == 0 ? 1 : 0;
      missed += signal.missed;
      last = heard + missed;
      if (signal.missed == 0)
        REQUIRE(signal.sequence == last);
    }
  CHECK(missed > 0);
  CHECK(heard + missed == sent);
}

TEST_CASE("counts add up to all that was sent", "[attach][signal]") {
  SignalStage stage;
  AttachedEngine client = stage.attach();
  client.count_signals("storm").value();
  for (int i = 0; i < 50'000; ++i)
    stage.engine.signals().send("storm");
  std::uint64_t sum = 0;
  while (sum < 50'000) {
    const SignalCounts counts = client.next_counts(30s).value();
    CHECK(counts.elapsed > 0us);
    sum += counts.missed + (counts.counts.empty() ? 0 : counts.counts.at("storm"));
  }
  CHECK(sum == 50'000);
}

TEST_CASE("a client watches, listens or counts, once", "[attach][signal]") {
  SignalStage stage;
  AttachedEngine listening = stage.attach();
  listening.listen().value();
  CHECK(listening.listen().error().code() == Errc::bad_argument);
  CHECK(listening.count_signals().error().code() == Errc::bad_argument);
  CHECK(listening.watch({Path{}}).error().code() == Errc::bad_argument);
  AttachedEngine watching = stage.attach();
  watching.watch({Path{}}).value();
  CHECK(watching.listen().error().code() == Errc::bad_argument);
  AttachedEngine third = stage.attach();
  CHECK(third.listen({.filter = std::string(256, 'x')}).error().code() == Errc::bad_argument);
}

TEST_CASE("an engine that shuts down tells the last signals first, and clients leave no subscriber",
          "[attach][signal]") {
  SignalStage stage;
  {
    AttachedEngine gone = stage.attach();
    gone.listen().value();
    CHECK(stage.engine.signals().statistics().subscribers.size() == 1);
  }
  AttachedEngine client = stage.attach();
  client.listen().value();
  CHECK(client.info().ok());
  stage.engine.signals().send("last words");
  stage.engine.shutdown(10s).value();
  CHECK(client.next_signals(30s).value().at(0).name == "last words");
  CHECK(client.next_signals(30s).error().code() == Errc::owner_down);
  CHECK(stage.engine.signals().statistics().subscribers.empty());
}

}  // namespace theus
