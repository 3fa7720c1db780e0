#include "tests/support/acting_stage.hpp"

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

namespace theus {
namespace {

using namespace std::chrono_literals;
using testing::ActingStage;
using testing::scribe;

TEST_CASE("an agent runs once for each message, in their order", "[acting_agent]") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    ActingStage stage{seed};
    stage
        .add({{.name = "echo",
               .writes = {"domain.said"},
               .on = {.messages = true},
               .body =
                   [](Context& ctx) {
                     REQUIRE(ctx.trigger().kind == Trigger::Kind::message);
                     ctx.append("domain.said", ctx.trigger().messages.front().content);
                   }}})
        .value();
    for (int i = 0; i < 5; ++i)
      stage.send("echo", i).value();
    stage.settle();
    REQUIRE(stage.read("domain.said") == Value::list({0, 1, 2, 3, 4}));
    REQUIRE(stage.core()->turn.version() == 5);
    REQUIRE(stage.status().front().runs == 5);
  }
}

TEST_CASE("ticks that pass while nothing can run are one tick, told with its number", "[acting_agent]") {
  ActingStage stage;
  stage.add({scribe("clock", {.tick = 10ms})}).value();
  stage.advance(10ms);
  stage.pass(35ms);  // nobody gets to run meanwhile
  stage.advance(15ms);
  const Value seen = stage.read("domain.seen");
  REQUIRE(seen.size() >= 2);
  CHECK(seen[0][0] == Value{"tick"});
  CHECK(seen[0][1] == Value{1});
  std::int64_t last = 0;
  std::int64_t missed = 0;
  for (const Value& each : seen.items()) {
    CHECK(each[1].as_int() > last);
    missed += each[2].as_int();
    last = each[1].as_int();
  }
  CHECK(last == 6);
  CHECK(missed == 6 - static_cast<std::int64_t>(seen.size()));
}

TEST_CASE("an agent hears of changes at, above and below its paths, and of no others", "[acting_agent]") {
  ActingStage stage;
  stage.set("domain.price", Value{{"bid", 1}});
  stage.add({scribe("watcher", {.changes = {"domain.price", "domain.rate"}})}).value();
  CHECK(stage.read("domain.seen") == Value{});
  stage.set("domain.other", 1);
  stage.settle();
  CHECK(stage.read("domain.seen") == Value{});
  stage.set("domain.price.bid", 2);
  stage.settle();
  REQUIRE(stage.read("domain.seen").size() == 1);
  CHECK(stage.read("domain.seen")[0][5] == Value::list({"domain.price"}));
  stage.set("domain.price.bid", 3);
  stage.set("domain.rate", 3);
  stage.settle();
  REQUIRE(stage.read("domain.seen").size() == 2);
  CHECK(stage.read("domain.seen")[1][5].size() == 2);
}

TEST_CASE("an agent runs once for each signal that it wants", "[acting_agent]") {
  ActingStage stage;
  stage.add({scribe("ear", {.signals = {"order.*"}})}).value();
  stage.core()->hub.send("order.new", {{"amount", 3}});
  stage.core()->hub.send("other", 1);
  stage.core()->hub.send("order.gone", 4);
  stage.settle();
  const Value seen = stage.read("domain.seen");
  REQUIRE(seen.size() == 2);
  CHECK(seen[0][3] == Value{"order.new"});
  CHECK(seen[0][4] == Value{{"amount", 3}});
  CHECK(seen[1][3] == Value{"order.gone"});
}

TEST_CASE("of too many signals the oldest are dropped and told as missed [F91]", "[acting_agent][F91]") {
  ActingStage stage;
  Agent ear = scribe("ear", {.signals = {"s"}});
  ear.backlog_max = 10;
  stage.add({std::move(ear)}).value();
  for (int i = 0; i < 25; ++i)
    stage.core()->hub.send("s", i);
  stage.settle();
  const Value seen = stage.read("domain.seen");
  std::int64_t missed = 0;
  for (const Value& each : seen.items())
    missed += each[2].as_int();
  CHECK(seen.size() + static_cast<std::size_t>(missed) == 25);
  CHECK(seen[seen.size() - 1][4] == Value{24});
  CHECK(stage.status().front().signals_lost == static_cast<std::uint64_t>(missed));
}

TEST_CASE("messages beyond the backlog are refused as overloaded, at once [F91]", "[acting_agent][F91]") {
  ActingStage stage;
  Agent slow = scribe("slow", {.messages = true});
  slow.backlog_max = 10;
  stage.add({std::move(slow)}).value();
  int taken = 0;
  for (int i = 0; i < 100; ++i)
    if (const Status sent = stage.send("slow", i); sent)
      ++taken;
    else
      REQUIRE(sent.error().code() == Errc::overloaded);
  CHECK(taken == 10);
  CHECK(stage.status().front().waiting <= 10);
  stage.settle();
  CHECK(stage.read("domain.seen").size() == 10);
  CHECK(stage.send("slow", 1).ok());
}

TEST_CASE("a message to nobody is refused with the nearest name", "[acting_agent]") {
  ActingStage stage;
  stage.add({scribe("trader", {.messages = true})}).value();
  const Status sent = stage.send("tradr", 1);
  CHECK(sent.error().code() == Errc::unknown_agent);
  CHECK(sent.error().remedy().find("'trader'") != std::string::npos);
}

TEST_CASE("agents that write one path all get through, whatever the schedule", "[acting_agent]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    ActingStage stage{seed};
    std::vector<Agent> agents;
    for (int i = 0; i < 5; ++i)
      agents.push_back({.name = "agent" + std::to_string(i),
                        .reads = {"domain.sum"},
                        .writes = {"domain.sum"},
                        .on = {.messages = true},
                        .body = [](Context& ctx) { ctx.set("domain.sum", ctx.get<int>("domain.sum", 0) + 1); }});
    stage.add(std::move(agents)).value();
    for (int message = 0; message < 3; ++message)
      for (int i = 0; i < 5; ++i)
        stage.send("agent" + std::to_string(i), message).value();
    stage.advance(1s);
    REQUIRE(stage.read("domain.sum") == Value{15});
  }
}

TEST_CASE("messages of a body are sent once, after its commit, and not when it fails", "[acting_agent]") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    ActingStage stage{seed};
    bool disturb = true;
    stage
        .add({{.name = "sender",
               .reads = {"domain.x"},
               .writes = {"domain.x"},
               .on = {.messages = true},
               .body =
                   [&](Context& ctx) {
                     ctx.set("domain.x", ctx.get<int>("domain.x", 0) + 1);
                     ctx.send("receiver", ctx.trigger().messages.front().content);
                     if (std::exchange(disturb, false))
                       stage.set("domain.x", 100);  // this attempt will conflict
                     if (ctx.trigger().messages.front().content == Value{"fail"})
                       throw std::runtime_error("no");
                   }},
              {.name = "receiver",
               .writes = {"domain.got"},
               .on = {.messages = true},
               .body =
                   [](Context& ctx) {
                     const AgentMessage& message = ctx.trigger().messages.front();
                     ctx.append("domain.got", Value::list({message.sender, message.content}));
                   }}})
        .value();
    stage.send("sender", "first").value();
    stage.send("sender", "fail").value();
    stage.send("sender", "last").value();
    stage.advance(1s);
    REQUIRE(stage.read("domain.got") ==
            Value::list({Value::list({"sender", "first"}), Value::list({"sender", "last"})}));
    REQUIRE(stage.read("domain.x") == Value{102});
  }
}

TEST_CASE("agents of rounds find messages in their next round, those of a failed round again", "[acting_agent]") {
  ActingStage stage;
  bool fails = false;
  const auto body = [&](Context& ctx) {
    if (fails && ctx.name() == "b")
      throw std::runtime_error("no");
    for (const AgentMessage& message : ctx.trigger().messages)
      ctx.append(Path{"domain"}.key(ctx.name()), message.content);
    ctx.send(ctx.name() == "a" ? "b" : "a", ctx.name() + " says hello");
  };
  stage.add({{.name = "a", .writes = {"domain.a"}, .body = body}, {.name = "b", .writes = {"domain.b"}, .body = body}})
      .value();
  stage.round().value();
  CHECK(stage.read("domain") == Value{});
  fails = true;
  CHECK_FALSE(stage.round().ok());
  fails = false;
  stage.round().value();
  CHECK(stage.read("domain.a") == Value::list({"b says hello"}));
  CHECK(stage.read("domain.b") == Value::list({"a says hello"}));
  stage.round().value();
  CHECK(stage.read("domain.a").size() == 2);
}

TEST_CASE("private state follows the commits of an agent that acts on its own", "[acting_agent]") {
  ActingStage stage;
  stage
      .add({{.name = "counter",
             .writes = {"domain.count"},
             .on = {.messages = true},
             .state = 0,
             .body =
                 [](Context& ctx) {
                   ctx.agent_state() = ctx.agent_state().as_int() + 1;
                   ctx.set("domain.count", ctx.agent_state());
                   if (ctx.trigger().messages.front().content == Value{"fail"})
                     throw std::runtime_error("no");
                 }}})
      .value();
  for (const char* message : {"go", "fail", "go"})
    stage.send("counter", message).value();
  stage.settle();
  CHECK(stage.read("domain.count") == Value{2});
  CHECK(stage.status().front().failures == 1);
  CHECK(stage.status().front().last_failure.find("no") != std::string::npos);
}

TEST_CASE("a stopped agent runs no more, and its name is free", "[acting_agent]") {
  ActingStage stage;
  stage.add({scribe("clock", {.changes = {"domain.x"}, .tick = 10ms, .messages = true})}).value();
  stage.send("clock", 1).value();
  stage.stop("clock").value();
  const Value seen = stage.read("domain.seen");
  stage.set("domain.x", 1);
  stage.advance(100ms);
  CHECK(stage.read("domain.seen") == seen);
  CHECK(stage.stop("clock").error().code() == Errc::unknown_agent);
  CHECK(stage.add({scribe("clock", {.messages = true})}).ok());
}

TEST_CASE("a trigger that cannot work is refused", "[acting_agent]") {
  ActingStage stage;
  Agent agent{.name = "a", .reads = {"domain.x"}, .on = {.changes = {"domain.y"}}, .body = [](Context&) {}};
  CHECK(stage.add({agent}).error().code() == Errc::contract_violation);
  agent.on = {.tick = -1ms};
  CHECK(stage.add({agent}).error().code() == Errc::bad_argument);
  agent.on = {};
  agent.backlog_max = 0;
  CHECK(stage.add({agent}).error().code() == Errc::bad_argument);
}

TEST_CASE("an agent that acts on its own takes no part in rounds", "[acting_agent]") {
  ActingStage stage;
  stage.add({scribe("actor", {.messages = true}), {.name = "stepper", .body = [](Context&) {}}}).value();
  CHECK(stage.round().value().agents == 1);
}

}  // namespace
}  // namespace theus
