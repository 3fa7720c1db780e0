#include "actors/call.hpp"

#include "tests/support/manual_clock.hpp"

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

namespace theus {
namespace {

using actors::Call;
using std::chrono::milliseconds;

/// A call on a clock that stands still, and what it was answered.
struct CallStage {
  std::shared_ptr<std::chrono::nanoseconds> passed = std::make_shared<std::chrono::nanoseconds>(0);
  testing::ManualClock clock{passed};
  std::shared_ptr<actors::RegisteredProcess> process = std::make_shared<actors::RegisteredProcess>();
  std::vector<Result<Executed>> answers;
  std::optional<Call> call;

  CallStage() {
    process->definition.name = "work";
    call.emplace(process, Value::map(), clock, clock.now() + milliseconds{100}, 1,
                 [this](Result<Executed> answer) { answers.push_back(std::move(answer)); });
  }

  bool expire() { return call->expire(clock.now()); }
};

TEST_CASE("a call whose deadline comes is answered once, and nothing of it is committed", "[call]") {
  CallStage stage;
  *stage.passed = milliseconds{150};
  CHECK(stage.expire());
  CHECK_FALSE(stage.call->begin_commit());
  CHECK_FALSE(stage.expire());
  CHECK_FALSE(stage.call->cancel());
  stage.call->finish(Executed{});

  REQUIRE(stage.answers.size() == 1);
  CHECK(stage.answers[0].error().code() == Errc::deadline);
  CHECK(*stage.answers[0].error().field("limit") == 100);
  CHECK(*stage.answers[0].error().field("elapsed") == 150);
  CHECK(stage.call->state().cancelled.load());
  CHECK(stage.call->is_over());
}

TEST_CASE("neither a deadline nor its caller takes back a call that is being committed", "[call]") {
  CallStage stage;
  REQUIRE(stage.call->begin_commit());
  *stage.passed = milliseconds{150};
  CHECK_FALSE(stage.expire());
  CHECK_FALSE(stage.call->cancel());
  CHECK(stage.answers.empty());
  CHECK_FALSE(stage.call->is_over());

  SECTION("the commit is answered") {
    stage.call->finish(Executed{});
    REQUIRE(stage.answers.size() == 1);
    CHECK(stage.answers[0].ok());
  }
  SECTION("after a conflict it can expire again") {
    REQUIRE(stage.call->retry());
    CHECK(stage.expire());
    CHECK(stage.answers[0].error().code() == Errc::deadline);
  }
}

TEST_CASE("a call that its caller cancels is answered once, and nothing of it is committed", "[call]") {
  CallStage stage;
  std::stop_source caller;
  stage.call->cancel_with(caller.get_token());
  caller.request_stop();
  CHECK_FALSE(stage.call->begin_commit());
  CHECK_FALSE(stage.expire());
  stage.call->finish(Executed{});
  REQUIRE(stage.answers.size() == 1);
  CHECK(stage.answers[0].error().code() == Errc::cancelled);
  CHECK(stage.call->state().cancelled.load());
}

TEST_CASE("the counters of a process tell what became of its calls, and how long they took", "[call]") {
  const auto count = [](auto&& ends) {
    CallStage stage;
    CHECK(stage.process->counters.running.load() == 1);
    *stage.passed = milliseconds{150};
    ends(stage);
    CHECK(stage.process->counters.latency.summary().count == 1);
    CHECK(stage.process->counters.latency.summary().max >= milliseconds{140});
    stage.call.reset();
    CHECK(stage.process->counters.running.load() == 0);
    const actors::CallCounters& counters = stage.process->counters;
    return std::array{counters.succeeded.load(), counters.failed.load(), counters.expired.load(),
                      counters.cancelled.load(), counters.conflicts.load()};
  };
  using Counts = std::array<std::uint64_t, 5>;
  CHECK(count([](CallStage& stage) { stage.call->finish(Executed{}); }) == Counts{1, 0, 0, 0, 0});
  CHECK(count([](CallStage& stage) {
          stage.call->finish(Error{Errc::process_failed, "work", "", ""});
        }) == Counts{0, 1, 0, 0, 0});
  CHECK(count([](CallStage& stage) { stage.expire(); }) == Counts{0, 1, 1, 0, 0});
  CHECK(count([](CallStage& stage) { stage.call->cancel(); }) == Counts{0, 1, 0, 1, 0});
  CHECK(count([](CallStage& stage) {
          stage.call->begin_commit();
          stage.call->retry();
          stage.call->finish(Executed{});
        }) == Counts{1, 0, 0, 0, 1});
}

}  // namespace
}  // namespace theus
