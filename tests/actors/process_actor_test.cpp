#include "tests/support/engine_stage.hpp"

#include <theus/errors.hpp>

#include <caf/scoped_actor.hpp>
#include <catch2/catch.hpp>

namespace theus {
namespace {

using testing::EngineStage;

Process increment() {
  return {.name = "increment", .inputs = {"domain.count"}, .outputs = {"domain.count"}, .body = [](Context& ctx) {
            return ctx.get<int>("domain.count", 0) + 1;
          }};
}

TEST_CASE("a process reads, returns and commits", "[process_actor]") {
  EngineStage stage;
  const auto result = stage.start(increment());
  stage.settle();
  REQUIRE(result->has_value());
  CHECK((**result).value().version == 1);
  CHECK((**result).value().attempts == 1);
  CHECK(stage.read("domain.count") == Value{1});
}

TEST_CASE("concurrent increments all arrive, whatever the schedule", "[process_actor]") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    EngineStage stage{seed};
    std::vector<std::shared_ptr<std::optional<Result<Executed>>>> results;
    for (int i = 0; i < 5; ++i)
      results.push_back(stage.start(increment()));
    stage.advance(std::chrono::seconds{1});
    for (const auto& result : results)
      REQUIRE((result->has_value() && (*result)->ok()));
    REQUIRE(stage.read("domain.count") == Value{5});
    REQUIRE(stage.core()->turn.version() == 5);
  }
}

TEST_CASE("a body that loses every race gives up after its attempts with version_mismatch", "[process_actor]") {
  EngineStage stage;
  int runs = 0;
  Process process = increment();
  process.attempts_max = 3;
  process.body = [&](Context& ctx) {
    stage.set("domain.count", 100 + runs++);
    return ctx.get<int>("domain.count", 0) + 1;
  };
  const auto result = stage.start(std::move(process));
  stage.advance(std::chrono::seconds{1});
  CHECK((**result).error().code() == Errc::version_mismatch);
  CHECK(runs == 3);
  CHECK(stage.read("domain.count") == Value{102});
}

/// Whether a write from elsewhere must wait at this moment. Commits it otherwise.
bool is_held_back(EngineStage& stage, const Path& path) {
  const std::vector<Write> writes{Write::increment(path, 100)};
  const ProposalView proposal{.base = stage.core()->turn.version(), .writes = writes};
  std::optional<Outcome> outcome;
  stage.core()->turn.commit({&proposal, 1}, {&outcome, 1});
  return !outcome.has_value();
}

TEST_CASE("after three conflicts the paths of a process are kept free for it, and no others [F86]",
          "[process_actor][F86]") {
  EngineStage stage;
  int runs = 0;
  bool reserved = false;
  bool open_elsewhere = false;
  Process process = increment();
  process.body = [&](Context& ctx) {
    const int count = ctx.get<int>("domain.count", 0);
    if (++runs <= 3)
      stage.set("domain.count", 10 * runs);
    else
      reserved = is_held_back(stage, "domain.count"), open_elsewhere = !is_held_back(stage, "domain.other");
    return count + 1;
  };
  const auto result = stage.start(std::move(process));
  stage.advance(std::chrono::seconds{1});
  CHECK((**result).value().attempts == 4);
  CHECK(reserved);
  CHECK(open_elsewhere);
  CHECK(stage.read("domain.count") == Value{31});
  CHECK_FALSE(is_held_back(stage, "domain.count"));
}

TEST_CASE("a holder that fails, or takes too long, frees what it had reserved [F86]", "[process_actor][F86]") {
  const bool fails = GENERATE(true, false);
  EngineStage stage;
  int runs = 0;
  Process process = increment();
  process.body = [&](Context& ctx) -> Result<int> {
    const int count = ctx.get<int>("domain.count", 0);
    if (++runs <= 3)
      stage.set("domain.count", 10 * runs);
    else if (fails)
      throw std::runtime_error{"no"};
    else
      stage.pass(std::chrono::hours{1});
    return count + 1;
  };
  const auto result = stage.start(std::move(process));
  stage.advance(std::chrono::seconds{1});
  CHECK((**result).error().code() == (fails ? Errc::process_failed : Errc::deadline));
  CHECK_FALSE(is_held_back(stage, "domain.count"));
}

TEST_CASE("commits that a reservation holds back go on when it ends, and others go before", "[state_owner]") {
  EngineStage stage;
  std::optional<Reservation> reservation = stage.core()->turn.reserve({"domain.count"}, std::chrono::hours{1});
  const auto held = stage.start(increment());
  Process elsewhere = increment();
  elsewhere.outputs = {"domain.other"};
  const auto free = stage.start(std::move(elsewhere));
  stage.advance(std::chrono::milliseconds{100});
  CHECK_FALSE(held->has_value());
  CHECK((**free).ok());

  reservation.reset();
  stage.advance(std::chrono::milliseconds{100});
  CHECK((**held).value().attempts == 1);
}

TEST_CASE("a conflict and retry publish the commit's signal exactly once", "[process_actor]") {
  EngineStage stage;
  auto receiver = stage.core()->hub.subscribe();
  int runs = 0;
  Process process = increment();
  process.body = [&](Context& ctx) {
    ctx.emit("counted", ctx.attempt());
    const int count = ctx.get<int>("domain.count", 0);
    if (++runs == 1)
      stage.set("domain.count", 10);
    return count + 1;
  };
  const auto result = stage.start(std::move(process));
  stage.advance(std::chrono::seconds{1});
  CHECK((**result).value().attempts == 2);
  const auto statistics = stage.core()->hub.statistics();
  CHECK(statistics.published == 1);
}

TEST_CASE("an exception in a body aborts everything and its text reaches the caller [F83]", "[process_actor][F83]") {
  EngineStage stage;
  const auto result = stage.start({.name = "faulty", .outputs = {"domain.x"}, .body = [](Context& ctx) {
                                     ctx.set("domain.x", 1);
                                     ctx.emit("never");
                                     throw std::runtime_error("no such customer");
                                   }});
  stage.settle();
  const Error& error = (**result).error();
  CHECK(error.code() == Errc::process_failed);
  CHECK(error.cause() == "no such customer");
  CHECK(stage.core()->turn.version() == 0);
  CHECK(stage.core()->hub.statistics().published == 0);
}

TEST_CASE("a write outside the outputs fails the execution whole, even when the body swallows it [F82]",
          "[process_actor][F82]") {
  EngineStage stage;
  const auto result = stage.start({.name = "sly", .outputs = {"domain.x"}, .body = [](Context& ctx) {
                                     ctx.set("domain.x", 1);
                                     try {
                                       ctx.set("domain.y", 2);
                                     } catch (const TheusError&) {
                                       return;
                                     }
                                   }});
  stage.settle();
  CHECK((**result).error().code() == Errc::contract_violation);
  CHECK(*(**result).error().field("rule") == "illegal_write");
  CHECK(stage.core()->turn.version() == 0);
}

TEST_CASE("a body that ends after its deadline commits nothing", "[process_actor]") {
  EngineStage stage;
  Process process = increment();
  process.timeout = std::chrono::milliseconds{100};
  process.attempts_max = 5;
  process.body = [&](Context& ctx) {
    const int count = ctx.get<int>("domain.count", 0);
    if (ctx.attempt() == 1) {
      stage.set("domain.count", 10);
      stage.pass(std::chrono::milliseconds{500});
    }
    return count + 1;
  };
  const auto result = stage.start(std::move(process));
  stage.advance(std::chrono::seconds{1});
  CHECK((**result).error().code() == Errc::deadline);
  CHECK(stage.read("domain.count") == Value{10});
}

TEST_CASE("a message of unknown type is counted and its sender answered [F95]", "[process_actor][F95]") {
  EngineStage stage;
  caf::scoped_actor stranger{stage.system()};
  auto pending = stranger->request(caf::actor_cast<caf::actor>(stage.owner()), caf::infinite, std::string{"hello"});
  stage.settle();
  caf::error answer;
  pending.receive([] {}, [&](caf::error& error) { answer = std::move(error); });
  CHECK(answer == caf::sec::unexpected_message);
  CHECK(stage.core()->unexpected_messages == 1);
}

}  // namespace
}  // namespace theus
