#include "actors/caf_ways.hpp"
#include "tests/support/engine_stage.hpp"

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <random>

namespace theus {
namespace {

using actors::AgentActor;
using actors::AgentDefinitionPtr;
using testing::EngineStage;

class PopulationStage : public EngineStage {
public:
  explicit PopulationStage(std::uint64_t seed = 0, actors::AgentSpawner spawner = {}) : EngineStage(seed) {
    population_ = actors::spawn_population(
        system(),
        {.core = core(), .owner = owner(), .scout = {}, .directory = directory_, .spawner = std::move(spawner)});
  }
  ~PopulationStage() {
    caf::anon_send_exit(population_, caf::exit_reason::user_shutdown);
    population_ = nullptr;
    settle();
  }

  Status add(std::vector<Agent> agents) {
    std::vector<AgentDefinitionPtr> definitions;
    for (Agent& agent : agents)
      definitions.push_back(actors::define(std::move(agent), core()->turn.access()).value());
    std::optional<Status> answer;
    actors::tell(population_, actors::AddAgents{std::move(definitions), [&](Status status) { answer = status; }});
    settle();
    return answer.value();
  }

  Result<RoundReport> round(const std::string& pattern = "*") {
    std::optional<Result<RoundReport>> answer;
    running_ = std::make_shared<actors::RoundRequest>(pattern, core()->clock->now() + std::chrono::seconds{60},
                                                      [&](Result<RoundReport> report) { answer = std::move(report); });
    actors::tell(population_, actors::StartRound{running_});
    settle();
    return answer.value();
  }
  /// As who waits for the round does when its deadline has passed.
  bool expire_round() { return running_->expire(); }

  void post(std::string_view agent, Value content) {
    directory_->inbox(agent).value()->post({{}, std::move(content)}).value();
  }
  /// The answer is not waited for: a body may call it.
  void ask_to_stop(std::string agent) {
    actors::tell(population_, actors::StopAgent{std::move(agent), [](Status) {}});
  }

private:
  actors::AgentDirectoryPtr directory_ = std::make_shared<actors::AgentDirectory>();
  actors::RoundRequestPtr running_;
  actors::Population population_;
};

Agent averager(int i, int count) {
  const auto path = [count](int at) { return Path{"domain"}.key("x" + std::to_string((at + count) % count)); };
  return {
      .name = "agent" + std::to_string(i), .reads = {"domain"}, .writes = {path(i).text()}, .body = [=](Context& ctx) {
        ctx.set(path(i), (ctx.get<double>(path(i - 1), i) + ctx.get<double>(path(i + 1), 2.0 * i)) / 2);
      }};
}

void count_step(Context& ctx) {
  ctx.agent_state() = ctx.agent_state().as_int() + 1;
  ctx.set(Path{"domain"}.key(ctx.name()), ctx.agent_state());
}

/// Counts its steps in its private state, and writes the count to `domain.NAME`.
Agent counter(std::string name) { return {.name = name, .writes = {"domain." + name}, .state = 0, .body = count_step}; }

TEST_CASE("a round gives the same state whatever the schedule", "[population]") {
  std::optional<Value> expected;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    PopulationStage stage{seed};
    std::vector<Agent> agents;
    for (int i = 0; i < 20; ++i)
      agents.push_back(averager(i, 20));
    stage.add(std::move(agents)).value();
    for (int round = 0; round < 5; ++round)
      REQUIRE(stage.round().value().agents == 20);
    const Value state = stage.read("domain");
    if (!expected)
      expected = state;
    REQUIRE(state == *expected);
    REQUIRE(stage.core()->turn.version() == 5);
  }
}

TEST_CASE("a round gives the same state whoever is killed on the way, once it is repeated [F93]", "[population][F93]") {
  std::optional<Value> expected;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    std::vector<AgentActor> living;
    caf::actor_system* system = nullptr;
    actors::CorePtr core;
    const auto directory = std::make_shared<actors::AgentDirectory>();
    const auto spawn = [&](const AgentDefinitionPtr& definition) {
      living.push_back(actors::spawn_agent(*system, core, directory, definition));
      return living.back();
    };
    PopulationStage stage{seed, spawn};
    system = &stage.system();
    core = stage.core();
    std::vector<Agent> agents;
    for (int i = 0; i < 20; ++i) {
      agents.push_back(averager(i, 20));
      agents.back().restarts.times = 1000;
    }
    stage.add(std::move(agents)).value();
    int failed = 0;
    for (int round = 0; round < 5;) {
      // Seed 0 kills nobody.
      for (std::uint64_t victims = seed == 0 ? 0 : random() % 3; victims > 0; --victims)
        caf::anon_send_exit(living[random() % living.size()], caf::exit_reason::kill);
      stage.round().ok() ? ++round : ++failed;
    }
    const Value state = stage.read("domain");
    if (!expected)
      expected = state;
    REQUIRE(state == *expected);
    living.clear();
    core.reset();
  }
}

TEST_CASE("agents of one round all read the snapshot of its start", "[population]") {
  PopulationStage stage;
  stage.set("domain.a", 1);
  stage.set("domain.b", 2);
  stage
      .add({{.name = "a",
             .reads = {"domain.b"},
             .writes = {"domain.a"},
             .body = [](Context& ctx) { ctx.set("domain.a", ctx.get("domain.b")); }},
            {.name = "b",
             .reads = {"domain.a"},
             .writes = {"domain.b"},
             .body = [](Context& ctx) { ctx.set("domain.b", ctx.get("domain.a")); }}})
      .value();
  stage.round().value();
  CHECK(stage.read("domain") == Value{{"a", 2}, {"b", 1}});
}

TEST_CASE("two agents that write one path fail the round and change nothing", "[population]") {
  PopulationStage stage;
  const auto writes = [](std::string name, const char* path) {
    return Agent{
        .name = std::move(name), .writes = {"domain"}, .body = [=](Context& ctx) { ctx.set(path, ctx.name()); }};
  };
  SECTION("the same path") { stage.add({writes("one", "domain.x"), writes("two", "domain.x")}).value(); }
  SECTION("one below the other") { stage.add({writes("one", "domain.x"), writes("two", "domain.x.y")}).value(); }
  SECTION("one above the other") { stage.add({writes("one", "domain.x.y"), writes("two", "domain.x")}).value(); }
  const auto report = stage.round();
  CHECK(report.error().code() == Errc::contract_violation);
  CHECK(*report.error().field("rule") == "round_overlap");
  CHECK(stage.core()->turn.version() == 0);
}

TEST_CASE("agents may share a path through commutative writes", "[population]") {
  PopulationStage stage;
  for (int i = 0; i < 3; ++i)
    stage
        .add({{.name = "agent" + std::to_string(i),
               .writes = {"domain.sum"},
               .body = [](Context& ctx) { ctx.increment("domain.sum", 2); }}})
        .value();
  stage.round().value();
  CHECK(stage.read("domain.sum") == Value{6});
}

TEST_CASE("private state is kept when the round commits and dropped when it fails", "[population]") {
  PopulationStage stage;
  bool fails = false;
  stage
      .add({{.name = "counter",
             .writes = {"domain.seen"},
             .state = 0,
             .body =
                 [&](Context& ctx) {
                   const auto steps = ctx.agent_state().as_int() + 1;
                   ctx.agent_state() = steps;
                   ctx.set("domain.seen", steps);
                   if (fails)
                     throw std::runtime_error("no");
                 }}})
      .value();
  stage.round().value();
  fails = true;
  CHECK(stage.round().error().code() == Errc::process_failed);
  fails = false;
  stage.round().value();
  CHECK(stage.read("domain.seen") == Value{2});
}

TEST_CASE("when one agent fails a round, no other keeps what its step did to its private state", "[population]") {
  PopulationStage stage;
  bool fails = true;
  stage
      .add({counter("first"),
            {.name = "poor",
             .body = [&](Context&) -> Result<void> {
               if (fails)
                 return Error{Errc::process_failed, "poor", "it is poor", "Wait"};
               return {};
             }},
            counter("last")})
      .value();
  CHECK(stage.round().error().code() == Errc::process_failed);
  fails = false;
  stage.round().value();
  CHECK(stage.read("domain") == Value{{"first", 1}, {"last", 1}});
}

TEST_CASE("a round whose paths were written meanwhile is run again, from the private state and messages it began with",
          "[population]") {
  PopulationStage stage;
  int runs = 0;
  std::vector<std::size_t> messages;
  Agent counting = counter("counting");
  counting.body = [&](Context& ctx) {
    messages.push_back(ctx.trigger().messages.size());
    if (++runs <= 2)
      stage.set("domain.counting", 100 * runs);
    count_step(ctx);
  };
  stage.add({std::move(counting)}).value();
  stage.post("counting", 1);
  stage.round().value();
  CHECK(messages == std::vector<std::size_t>{1, 1, 1});
  CHECK(stage.read("domain.counting") == Value{1});
  stage.round().value();
  CHECK(messages.back() == 0);
  CHECK(stage.read("domain.counting") == Value{2});
}

TEST_CASE("a round whose paths are written three times meanwhile fails, and changes nothing", "[population]") {
  PopulationStage stage;
  int runs = 0;
  Agent counting = counter("counting");
  counting.body = [&](Context& ctx) {
    stage.set("domain.counting", 100 * ++runs);
    count_step(ctx);
  };
  stage.add({std::move(counting)}).value();
  CHECK(stage.round().error().code() == Errc::version_mismatch);
  CHECK(runs == 3);
  CHECK(stage.read("domain.counting") == Value{300});
}

TEST_CASE("agents that leave while a round is repeated confuse neither it nor the next one", "[population]") {
  PopulationStage stage;
  bool disturbs = true;
  Agent unlucky = counter("unlucky");
  unlucky.body = [&](Context& ctx) {
    if (std::exchange(disturbs, false)) {
      stage.set("domain.unlucky", 100);
      stage.ask_to_stop("leaver");
    }
    count_step(ctx);
  };
  stage.add({counter("leaver"), std::move(unlucky), counter("stayer")}).value();
  CHECK(stage.round().value().agents == 2);
  CHECK(stage.round().value().agents == 2);
  CHECK(stage.read("domain") == Value{{"unlucky", 2}, {"stayer", 2}});
}

TEST_CASE("a round whose deadline passes before its commit is answered so, and changes nothing", "[population]") {
  PopulationStage stage;
  Agent slow = counter("slow");
  bool sleeps = true;
  slow.body = [&](Context& ctx) {
    if (std::exchange(sleeps, false)) {
      stage.pass(std::chrono::minutes{2});
      stage.expire_round();
    }
    count_step(ctx);
  };
  stage.add({std::move(slow)}).value();
  CHECK(stage.round().error().code() == Errc::deadline);
  CHECK(stage.core()->turn.version() == 0);
  stage.round().value();
  CHECK(stage.read("domain.slow") == Value{1});
}

TEST_CASE("a name is given once, and a refused batch leaves no agent behind", "[population]") {
  PopulationStage stage;
  const auto named = [](std::string name) { return Agent{.name = std::move(name), .body = [](Context&) {}}; };
  stage.add({named("a")}).value();
  CHECK(stage.add({named("b"), named("a")}).error().code() == Errc::duplicate_name);
  CHECK(stage.add({named("b")}).ok());
  CHECK(stage.round("?").value().agents == 2);
}

TEST_CASE("an agent whose actor dies fails its round, is restarted five times a minute and then removed [F93]",
          "[population][F93]") {
  // An agent actor with a defect that no body can have: its handler itself throws.
  actors::CorePtr core;
  caf::actor_system* system = nullptr;
  const auto defective = [&](const AgentDefinitionPtr&) -> AgentActor {
    return system->spawn(
        [](AgentActor::pointer self, actors::CorePtr shared) -> AgentActor::behavior_type {
          actors::prepare(self, shared);
          return {[](const actors::RoundStep&) { throw std::runtime_error("defect"); }};
        },
        core);
  };
  PopulationStage stage{0, defective};
  core = stage.core();
  system = &stage.system();
  stage.add({{.name = "poor", .body = [](Context&) {}}}).value();

  for (int death = 1; death <= 6; ++death) {
    const auto report = stage.round();
    REQUIRE(report.error().code() == Errc::process_failed);
    CHECK(report.error().cause().find("defect") != std::string::npos);
  }
  CHECK(stage.round().value().agents == 0);
  core.reset();
}

}  // namespace
}  // namespace theus
