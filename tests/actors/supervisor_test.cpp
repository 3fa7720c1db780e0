#include "actors/caf_ways.hpp"
#include "tests/support/engine_stage.hpp"

#include <caf/event_based_actor.hpp>
#include <catch2/catch.hpp>

namespace theus::actors {
namespace {

using testing::EngineStage;

caf::behavior idle(caf::event_based_actor* self, const CorePtr& core) {
  prepare(self, core);
  return {[](int) { throw std::runtime_error{"version 7 follows version 9"}; }};
}

/// A supervisor over one ward.
class Guarded {
public:
  Guarded()
      : ward(stage.system().spawn(idle, stage.core())),
        supervisor(spawn_supervisor(stage.system(), stage.core(), {ward})) {
    stage.settle();
  }
  ~Guarded() {
    caf::anon_send_exit(supervisor, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(ward, caf::exit_reason::user_shutdown);
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  EngineStage stage;
  caf::actor ward;
  Supervisor supervisor;
};

TEST_CASE("an actor of the engine that breaks an invariant ends the service, with its reason [F17]",
          "[supervisor][F17]") {
  Guarded guarded;
  REQUIRE_FALSE(guarded.stage.core()->failure());
  caf::anon_send(guarded.ward, 1);
  guarded.stage.settle();
  const auto failure = guarded.stage.core()->failure();
  REQUIRE(failure);
  CHECK(failure->code() == Errc::internal);
  CHECK(failure->cause().find("version 7 follows version 9") != std::string::npos);
}

TEST_CASE("an actor that ends because the engine does is no failure", "[supervisor]") {
  Guarded guarded;
  caf::anon_send_exit(guarded.ward, caf::exit_reason::user_shutdown);
  guarded.stage.settle();
  CHECK_FALSE(guarded.stage.core()->failure());
}

TEST_CASE("the first reason for the end of the service stays", "[supervisor]") {
  Guarded guarded;
  guarded.stage.core()->fail("the first");
  caf::anon_send(guarded.ward, 1);
  guarded.stage.settle();
  CHECK(guarded.stage.core()->failure()->cause() == "the first");
}

}  // namespace
}  // namespace theus::actors
