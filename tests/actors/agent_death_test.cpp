#include "tests/support/acting_stage.hpp"

#include <catch2/catch.hpp>

#include <map>

namespace theus {
namespace {

using namespace std::chrono_literals;
using testing::ActingStage;

constexpr int messages = 3;
constexpr std::size_t backlog_max = 8;

/// Two workers that get in each other's way, and one who hears from both; each may be killed.
class Workshop {
public:
  explicit Workshop(std::uint64_t seed, std::size_t restarts_max = 100)
      : stage(seed,
              [this](caf::actor_system& system, const actors::ActingTermsPtr& terms, const actors::SeatPtr& seat) {
                return living_[seat->definition->name()] = actors::spawn_acting_agent(system, terms, seat);
              }) {
    stage.add({worker("a", restarts_max), worker("b", restarts_max), listener()}).value();
    for (int i = 0; i < messages; ++i)
      for (const char* name : {"a", "b"})
        stage.send(name, i).value();
  }

  void kill(const std::string& name) { caf::anon_send_exit(living_.at(name), caf::exit_reason::kill); }

  /// What every run does: counts itself in the private state, in the common sum and, by a message, at the listener.
  std::size_t done(const std::string& name) { return stage.read(Path{"domain"}.key(name)).size(); }
  std::size_t heard(const std::string& name) { return stage.read(Path{"domain"}.key("heard_" + name)).size(); }

  /// Each run that was committed was committed with its private state and its message, once.
  void check_whole() {
    std::size_t runs = 0;
    for (const std::string name : {"a", "b"}) {
      const Value done = stage.read(Path{"domain"}.key(name));
      for (std::size_t i = 0; i < done.size(); ++i)
        REQUIRE(done[i] == Value{i + 1});
      REQUIRE(stage.read(Path{"domain"}.key("heard_" + name)) == done);
      runs += done.size();
    }
    REQUIRE(stage.read("domain.sum") == Value{runs});
    // No place is kept for a message that does not come.
    for (std::size_t i = 0; i < backlog_max; ++i)
      REQUIRE(stage.send("listener", {{"from", "nobody"}, {"count", i}}).ok());
  }

private:
  // Not a member of stage, but used by its actors until they end.
  std::map<std::string, actors::ActingAgent> living_;

public:
  ActingStage stage;
  ~Workshop() { living_.clear(); }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;

private:
  static Agent worker(std::string name, std::size_t restarts_max) {
    const Path own = Path{"domain"}.key(name);
    return {.name = std::move(name),
            .reads = {"domain.sum", own.text()},
            .writes = {"domain.sum", own.text()},
            .on = {.messages = true},
            .restarts = {.times = restarts_max},
            .state = 0,
            .body = [own](Context& ctx) {
              ctx.agent_state() = ctx.agent_state().as_int() + 1;
              ctx.append(own, ctx.agent_state());
              ctx.set("domain.sum", ctx.get<int>("domain.sum", 0) + 1);
              ctx.send("listener", {{"from", ctx.name()}, {"count", ctx.agent_state()}});
            }};
  }
  static Agent listener() {
    return {.name = "listener",
            .writes = {"domain"},
            .on = {.messages = true},
            .backlog_max = backlog_max,
            .body = [](Context& ctx) {
              const Value& content = ctx.trigger().messages.front().content;
              ctx.append(Path{"domain"}.key("heard_" + std::string{content["from"].as_string()}), content["count"]);
            }};
  }
};

constexpr std::uint64_t seeds = 12;
constexpr std::size_t steps_max = 36;

TEST_CASE("an agent that is killed at any moment neither loses nor doubles a run [F93]", "[agent_death][F93]") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed)
    for (std::size_t steps = 0; steps < steps_max; ++steps) {
      CAPTURE(seed, steps);
      Workshop sut{seed};
      sut.stage.run(steps);
      sut.kill("a");
      sut.stage.run(1);
      sut.kill(steps % 2 == 0 ? "a" : "b");
      sut.stage.advance(1s);
      for (const std::string name : {"a", "b"})
        REQUIRE(sut.done(name) == messages);
      sut.check_whole();
    }
}

TEST_CASE("an agent that is killed and given up ends its last commit with the messages of it [F93]",
          "[agent_death][F93]") {
  std::size_t ended_early = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed)
    for (std::size_t steps = 0; steps < steps_max; ++steps) {
      CAPTURE(seed, steps);
      Workshop sut{seed, 0};
      sut.stage.run(steps);
      sut.kill("a");
      sut.stage.advance(1s);
      REQUIRE(sut.done("b") == messages);
      ended_early += sut.done("a") < messages ? 1 : 0;
      sut.check_whole();
      REQUIRE(sut.stage.statistics().living == 2);
    }
  CHECK(ended_early > 0);
}

TEST_CASE("an agent that is stopped ends its last commit with the messages of it", "[agent_death]") {
  std::size_t ended_early = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed)
    for (std::size_t steps = 0; steps < steps_max; ++steps) {
      CAPTURE(seed, steps);
      Workshop sut{seed};
      sut.stage.run(steps);
      sut.stage.stop("a").value();
      sut.stage.advance(1s);
      REQUIRE(sut.done("b") == messages);
      ended_early += sut.done("a") < messages ? 1 : 0;
      sut.check_whole();
    }
  CHECK(ended_early > 0);
}

TEST_CASE("deaths and restarts of agents stand in their status and in the statistics [F93]", "[agent_death][F93]") {
  Workshop sut{0, 1};
  sut.kill("a");
  sut.stage.settle();
  sut.kill("a");
  sut.kill("b");
  sut.stage.advance(1s);
  const auto status = sut.stage.status();
  REQUIRE(status.size() == 3);
  const auto& [b, listener, a] = std::tie(status[0], status[1], status[2]);
  CHECK((b.name == "b" && b.failures == 1 && b.restarts == 1 && !b.is_stopped));
  CHECK((a.name == "a" && a.failures == 2 && a.restarts == 1 && a.is_stopped));
  CHECK((listener.failures == 0 && listener.restarts == 0));
  sut.stage.send("b", 0).value();
  const AgentStatistics told = sut.stage.statistics();
  CHECK((told.living == 2 && told.failures == 3 && told.restarts == 2 && told.stopped == 1 && told.waiting == 1));
}

}  // namespace
}  // namespace theus
