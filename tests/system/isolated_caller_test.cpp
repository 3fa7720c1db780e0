// A thread that waits for an isolated body does for the call what an actor would do otherwise.

#include "tests/support/isolated_bodies.hpp"
#include "tests/system/command_line.hpp"

#include <catch2/catch.hpp>

#include <future>
#include <thread>

namespace theus::testing {
namespace {

constexpr std::chrono::minutes endless{10};

/// An engine with one worker, and a log that notices when the body in it has read.
class CallerStage {
public:
  explicit CallerStage(std::function<void(Engine&)> has_read) {
    EngineOptions options;
    options.workers.command = {THEUS_BINARY_DIR "/bin/theus", "worker", "--module", module("isolated")};
    options.workers.count_max = 1;
    options.workers.grace = endless;  // nothing but what is tested ends a body that hangs
    options.log = [this, has_read = std::move(has_read)](const LogEntry& entry) {
      if (entry.text == "has read")
        has_read(*engine_);
    };
    engine_ = std::make_unique<Engine>(std::move(options));
    register_isolated_bodies(*engine_).value();
  }
  Engine& engine() { return *engine_; }

private:
  std::unique_ptr<Engine> engine_;
};

/// Whether no call is left, at the latest soon: the caller is answered first.
bool is_idle(const Engine& engine) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (engine.statistics().in_flight != 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  return engine.statistics().in_flight == 0;
}

Errc code_of(const Result<Executed>& result) { return result ? Errc{} : result.error().code(); }

}  // namespace

TEST_CASE("a caller who waits for an isolated body can cancel it from another thread", "[isolated]") {
  std::stop_source stop;
  CallerStage stage{[&](Engine&) { stop.request_stop(); }};
  const ExecuteOptions options{.timeout = endless, .cancel = stop.get_token()};
  CHECK(code_of(stage.engine().execute("hang_aloud", Value::map(), options)) == Errc::cancelled);
}

TEST_CASE("an isolated body that other commits overtake is run again, as often as it may be", "[isolated]") {
  constexpr int attempts_max = 8;
  const auto overtaken = GENERATE(1, 3, 8);
  INFO(overtaken << " times");
  int left = overtaken;
  CallerStage stage{[&](Engine& engine) {
    if (left-- > 0)
      engine.compare_and_swap(engine.version(), {Write::increment("domain.count", 10)}).value();
  }};
  const auto executed = stage.engine().execute("count_aloud");
  CHECK(executed.ok() == (overtaken < attempts_max));
  if (executed) {
    CHECK(executed->attempts == overtaken + 1);
    CHECK(executed->value == Value{10 * overtaken + 1});
  } else {
    CHECK(executed.error().code() == Errc::version_mismatch);
    CHECK(stage.engine().state().get<int>("domain.count").value() == 10 * overtaken);
  }
  CHECK(is_idle(stage.engine()));
}

TEST_CASE("an engine that is shut down answers who waits for an isolated body", "[isolated]") {
  std::promise<void> reading;
  CallerStage stage{[&](Engine&) { reading.set_value(); }};
  auto waiting = std::async(std::launch::async, [&] {
    return code_of(stage.engine().execute("hang_aloud", Value::map(), {.timeout = endless}));
  });
  reading.get_future().wait();
  CHECK(stage.engine().shutdown(std::chrono::seconds{2}));
  CHECK(waiting.get() == Errc::closed);
}

}  // namespace theus::testing
