#include "tests/support/execution_stage.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>

namespace theus {
namespace {

using testing::ExecutionStage;
using testing::process;
using testing::refusal;
using testing::rule_of;
using Strings = std::vector<std::string>;

TEST_CASE("a body reads its inputs and returns its output in one commit", "[execution]") {
  ExecutionStage stage{{{"domain.a", 2}, {"domain.b", 3}}};
  const auto outcome = stage.execute(process({"domain.a", "domain.b"}, {"domain.sum"}, [](Context& ctx) {
    return ctx.get<int>("domain.a") + ctx.get<int>("domain.b");
  }));
  CHECK(outcome.value() == 2);
  CHECK(stage.at("domain.sum") == Value{5});
}

TEST_CASE("a body may return a string literal", "[execution]") {
  ExecutionStage stage;
  stage.execute(process({}, {"domain.x"}, [](Context&) { return "done"; })).value();
  CHECK(stage.at("domain.x") == "done");
}

TEST_CASE("a body reads one version from its start to its end", "[execution]") {
  ExecutionStage stage{{{"domain.x", 1}}};
  const auto result = stage.run(process({"domain.x"}, {}, [&](Context& ctx) {
    const int before = ctx.get<int>("domain.x");
    stage.commit({{"domain.x", 99}}).value();
    CHECK(ctx.version() == 1);
    return std::tuple{before, ctx.get<int>("domain.x")};
  }));
  CHECK(result.value().value == Value::list({1, 1}));
  CHECK(stage.at("domain.x") == Value{99});
}

TEST_CASE("what a body read must not have changed when it commits", "[execution]") {
  ExecutionStage stage{{{"domain.x", 1}, {"domain.y", 1}}};
  const auto doubled =
      process({"domain.x"}, {"domain.twice"}, [](Context& ctx) { return 2 * ctx.get<int>("domain.x"); });
  const auto result = stage.run(doubled).value();

  SECTION("it changed") {
    stage.commit({{"domain.x", 5}}).value();
    CHECK(stage.turn.commit(result.proposal.view()).error().code() == Errc::version_mismatch);
  }
  SECTION("something else changed") {
    stage.commit({{"domain.y", 5}}).value();
    CHECK(stage.turn.commit(result.proposal.view()).value() == 3);
  }
}

TEST_CASE("a body that swallows its own violation fails all the same", "[execution][F82]") {
  ExecutionStage stage{{{"domain.a", 1}, {"domain.b", 2}}};
  const Error error = refusal(stage, process({"domain.a"}, {"domain.x"}, [](Context& ctx) {
                                try {
                                  ctx.get("domain.b");
                                } catch (const ContractViolationError&) {
                                }
                                return 7;
                              }));
  CHECK(rule_of(error) == "illegal_read");
}

TEST_CASE("of several violations the first one is told", "[execution]") {
  ExecutionStage stage;
  const Error error = refusal(stage, process({}, {}, [](Context& ctx) {
                                for (const char* path : {"domain.first", "domain.second"})
                                  try {
                                    ctx.get(path);
                                  } catch (const TheusError&) {
                                  }
                              }));
  CHECK(*error.field("path") == "domain.first");
}

TEST_CASE("an exception aborts everything of the execution and its text reaches the caller", "[execution][F83]") {
  ExecutionStage stage{{{"domain.a", 1}}};
  const auto throwing = [](const auto& thrown) {
    return process({"domain.a"}, {"domain.x"}, [thrown](Context& ctx) {
      ctx.set("domain.x", 1);
      ctx.emit("started");
      throw thrown;
    });
  };
  const Error error = refusal(stage, throwing(std::runtime_error{"the disk of the printer is full"}));
  CHECK(error.code() == Errc::process_failed);
  CHECK(*error.field("text") == "the disk of the printer is full");
  CHECK(*error.field("process") == "p");
  CHECK(error.text().find("the disk of the printer is full") != std::string::npos);
  CHECK(refusal(stage, throwing(42)).code() == Errc::process_failed);
  CHECK(refusal(stage, throwing(std::bad_alloc{})).code() == Errc::resource_exhausted);
  CHECK(refusal(stage, throwing(LogicError{Error{Errc::unsupported, "here", "because"}})).code() == Errc::unsupported);
}

TEST_CASE("an error that a body returns aborts as an exception does", "[execution][F83]") {
  ExecutionStage stage;
  const Error error = refusal(stage, process({}, {"domain.x"}, [](Context& ctx) -> Result<int> {
                                ctx.set("domain.x", 1);
                                return Error{Errc::bad_input, "line 3", "no number"};
                              }));
  CHECK(error.code() == Errc::bad_input);
}

TEST_CASE("an execution after a failed one starts clean", "[execution][F83]") {
  ExecutionStage stage{{{"domain.n", 0}}};
  bool fails = true;
  const auto flaky = process({}, {"domain.n"}, [&](Context& ctx) {
    ctx.increment("domain.n");
    if (std::exchange(fails, false))
      throw std::runtime_error{"first time"};
  });
  CHECK_FALSE(stage.execute(flaky).ok());
  CHECK(stage.execute(flaky).ok());
  CHECK(stage.at("domain.n") == Value{1});
}

TEST_CASE("a kept Context answers closed and has no effect", "[execution]") {
  ExecutionStage stage{{{"domain.a", 1}}};
  std::optional<Context> kept;
  const auto result = stage.run(process({"domain.a"}, {"domain.a"}, [&](Context& ctx) { kept = ctx; }));

  const auto code_of = [](const auto& call) {
    try {
      call();
    } catch (const LogicError& error) {
      return error.code();
    }
    return Errc::internal;
  };
  CHECK(code_of([&] { kept->get("domain.a"); }) == Errc::closed);
  CHECK(code_of([&] { kept->set("domain.a", 2); }) == Errc::closed);
  CHECK(code_of([&] { kept->emit("late"); }) == Errc::closed);
  CHECK(code_of([&] { kept->local().set("a", 1); }) == Errc::closed);
  CHECK(code_of([&] { kept->log().info("late"); }) == Errc::closed);
  CHECK(code_of([&] { kept->progress(1, 2); }) == Errc::closed);
  CHECK(code_of([&] { static_cast<void>(kept->version()); }) == Errc::closed);
  CHECK(result.value().proposal.writes.empty());
}

TEST_CASE("a pure process that reaches for signals is refused", "[execution]") {
  ExecutionStage stage{{{"domain.a", 1}, {"domain.sig_ready", 1}}};
  const auto pure = [&](Body body) { return process({"domain"}, {"domain"}, std::move(body), Semantic::pure); };
  CHECK(rule_of(refusal(stage, pure([](Context& ctx) { ctx.emit("done"); }))) == "pure_effect");
  CHECK(rule_of(refusal(stage, pure([](Context& ctx) { ctx.set("domain.sig_done", 1); }))) == "pure_effect");
  CHECK(rule_of(refusal(stage, pure([](Context& ctx) { return ctx.get("domain.sig_ready"); }))) == "pure_effect");
}

TEST_CASE("a pure process that emits is refused with the line of the call", "[execution]") {
  ExecutionStage stage;
  int line = 0;
  const auto emit = [&](Context& ctx) {
    line = __LINE__ + 1;
    ctx.emit("done");
  };
  const Error error = refusal(stage, process({}, {}, emit, Semantic::pure));
  CHECK(*error.field("file") == Value{"execution_test.cpp"});
  CHECK(*error.field("line") == Value{line});
  CHECK(error.where().find("execution_test.cpp:" + std::to_string(line)) != std::string::npos);
  CHECK(*error.field("rule") == Value{"pure_effect"});
}

TEST_CASE("a guide reads, writes nothing and its result is kept", "[execution]") {
  ExecutionStage stage{{{"domain.n", 3}}};
  const auto guide = [](Body body) { return process({"domain.n"}, {}, std::move(body), Semantic::guide); };
  const auto result = stage.run(guide([](Context& ctx) { return ctx.get<int>("domain.n") > 2; }));
  CHECK(result.value().value == Value{true});
  CHECK(result.value().proposal.writes.empty());
  CHECK(rule_of(refusal(stage, guide([](Context& ctx) { ctx.set("domain.n", 1); }))) == "illegal_write");
}

TEST_CASE("the scratch of an execution is never committed", "[execution]") {
  ExecutionStage stage;
  const auto result = stage.run(process({}, {"domain.x"}, [](Context& ctx) {
    ctx.local().set("draft", 1);
    return ctx.local()["draft"];
  }));
  CHECK(result.value().proposal.writes.size() == 1);
  const auto next = stage.run(process({}, {}, [](Context& ctx) { return ctx.local(); }));
  CHECK(next.value().value == Value::map());
}

TEST_CASE("signals leave an execution in order, and too many are refused", "[execution]") {
  ExecutionStage stage;
  const auto emits = [](std::size_t count) {
    return process({}, {}, [=](Context& ctx) {
      for (std::size_t i = 0; i < count; ++i)
        ctx.emit("tick", i);
    });
  };
  const auto result = stage.run(emits(3)).value();
  REQUIRE(result.proposal.signals.size() == 3);
  CHECK(result.proposal.signals[2].payload == Value{2});
  CHECK(stage.run(emits(signals_per_commit_max + 1)).error().code() == Errc::too_large);
}

ExecutionStart start_on(const ExecutionStage& stage) {
  return {std::make_shared<Contract>(Contract::compile("p", {}, {"domain.x"}, Semantic::effect).value()),
          stage.turn.snapshot()};
}

Result<ExecutionResult> run_from(ExecutionStart start, const Body& body) {
  return run_body(body, std::make_shared<Execution>(std::move(start)));
}

TEST_CASE("messages leave an execution in order, and too many are refused", "[execution]") {
  struct Anybody final : Addressees {
    Status check(std::string_view) const override { return {}; }
  };
  const ExecutionStage stage;
  const Anybody anybody;
  const auto run = [&](std::size_t count) {
    ExecutionStart start = start_on(stage);
    start.addressees = &anybody;
    return run_from(std::move(start), [=](Context& ctx) {
      for (std::size_t i = 0; i < count; ++i)
        ctx.send("neighbour", i);
    });
  };
  const auto result = run(3).value();
  REQUIRE(result.messages.size() == 3);
  CHECK(result.messages[2].content == Value{2});
  CHECK(run(messages_per_commit_max + 1).error().code() == Errc::too_large);
}

TEST_CASE("a body that learns that it is cancelled commits nothing, whatever it returns", "[execution]") {
  const ExecutionStage stage;
  const auto call = std::make_shared<CallState>();
  const auto run = [&] {
    ExecutionStart start = start_on(stage);
    start.call = call;
    return run_from(std::move(start), [](Context& ctx) {
      ctx.set("domain.x", 1);
      return ctx.is_cancelled() ? 2 : 1;
    });
  };
  CHECK(run().value().proposal.writes.size() == 1);
  call->cancelled = true;
  CHECK(run().error().code() == Errc::cancelled);
}

}  // namespace
}  // namespace theus
