#include "tests/support/acting_stage.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

using testing::ActingStage;
using testing::scribe;

TEST_CASE("an agent that fails too often is stopped, which is told and listed [F93]", "[supervision][F93]") {
  ActingStage stage;
  stage
      .add({{.name = "poor",
             .on = {.messages = true},
             .restarts = {.times = 2},
             .body = [](Context&) { throw std::runtime_error("always"); }},
            scribe("other", {.messages = true})})
      .value();
  for (int i = 0; i < 2; ++i)
    stage.send("poor", i).value();
  stage.settle();
  CHECK(stage.escalations.empty());
  stage.send("poor", 2).value();
  stage.settle();
  REQUIRE(stage.escalations.size() == 1);
  CHECK(stage.escalations[0].stopped == std::vector<std::string>{"poor"});
  CHECK(stage.escalations[0].cause.find("always") != std::string::npos);
  CHECK(stage.send("poor", 3).error().code() == Errc::unknown_agent);
  const auto status = stage.status();
  REQUIRE(status.size() == 2);
  CHECK(status[0].name == "other");
  CHECK((status[1].name == "poor" && status[1].is_stopped && status[1].failures == 3));
}

TEST_CASE("a group gives its agents further tries, then all of it is stopped [F93]", "[supervision][F93]") {
  ActingStage stage;
  stage.supervise("market", 1);
  stage.supervise("market.traders", 1);
  const auto in = [](std::string name, std::string group) {
    return Agent{.name = std::move(name),
                 .on = {.messages = true},
                 .group = std::move(group),
                 .restarts = {.times = 0},
                 .body = [](Context&) { throw std::runtime_error("always"); }};
  };
  stage.add({in("trader", "market.traders"), in("maker", "market.makers"), in("bystander", "marketing")}).value();
  // One failure is forgiven by the traders, one by the market.
  for (int i = 0; i < 3; ++i) {
    CHECK(stage.escalations.empty());
    stage.send("trader", i).value();
    stage.settle();
  }
  REQUIRE(stage.escalations.size() == 1);
  CHECK(stage.escalations[0].stopped == std::vector<std::string>{"trader", "maker"});
  CHECK(stage.status().front().name == "bystander");
}

}  // namespace
}  // namespace theus
