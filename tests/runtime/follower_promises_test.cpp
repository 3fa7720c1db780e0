// What a joined process is promised and believed, at the owner's side and without sockets.

#include "runtime/schema_guard.hpp"
#include "tests/support/join_stage.hpp"

#include <algorithm>
#include <thread>

namespace theus {
namespace {

using namespace std::chrono_literals;
using testing::JoinStage;

}  // namespace

TEST_CASE("a reservation starts when those before it are over, after their commits", "[join]") {
  JoinStage stage;
  auto first = std::make_optional<Follower>(stage.terms, 0, false, false, stage.now);
  Follower sut{stage.terms, 0, false, false, stage.now};
  first->receive(JoinStage::reservation(1), stage.now).value();
  sut.receive(JoinStage::reservation(5), stage.now).value();
  const auto hear = [&] {
    stage.now += 1ms;
    stage.hear(sut);
    return !stage.starts.empty();
  };
  for (int i = 0; i < 5; ++i)
    CHECK_FALSE(hear());
  CHECK(sut.look_at() <= stage.now + 1ms);
  const std::vector<Write> writes{Write::set("domain.x", 2)};
  first->receive(stage.submission({.writes = writes, .reservation = 1}), stage.now).value();
  first->look(stage.out, stage.now, false).value();
  stage.out = {};
  first.reset();
  for (const auto deadline = std::chrono::steady_clock::now() + 30s;
       !hear() && std::chrono::steady_clock::now() < deadline;)
    std::this_thread::yield();
  CHECK(stage.starts == std::vector<std::uint64_t>{5});
  CHECK(stage.follower.version() == 1);
  hear();
  CHECK(stage.starts.size() == 1);
}

TEST_CASE("a reservation that cannot be made is not waited for, and one that was let go of not told", "[join]") {
  JoinStage stage;
  Follower sut{stage.terms, 0, false, false, stage.now};
  stage.hear(sut);
  for (std::uint64_t id = 1; id <= Reservations::count_max + 1; ++id)
    sut.receive(JoinStage::reservation(id), stage.now).value();
  auto release = message_of(ToOwner::release);
  append_cbor_number(release, 1);
  sut.receive(release, stage.now).value();
  stage.hear(sut);
  CHECK(std::ranges::count(stage.starts, Reservations::count_max + 1) == 1);
  CHECK(std::ranges::count(stage.starts, 1U) == 0);
}

TEST_CASE("a joined process is told the schema in force before the commits that stand under it", "[join]") {
  JoinStage stage;
  const auto adopt = [&](std::string_view text, const Value& value) {
    const auto guard = SchemaGuard::compile(StateSchema::parse(text).value(), {}).value();
    const std::vector<Write> writes{Write::set("domain.x", value)};
    return stage.turn.commit({.base = stage.turn.version(), .writes = writes, .schema = &guard}).value();
  };
  Follower sut{stage.terms, 0, false, false, stage.now};
  stage.hear(sut);
  CHECK(stage.schemas == std::vector<std::string>{""});
  adopt("paths: {domain.x: {type: integer}}", 1);
  CHECK(sut.has_news(stage.out));
  sut.look(stage.out, stage.now, false).value();
  MessageReader reader{feed_bytes_max};
  const auto first = reader.add(stage.out.packet()).value().value();
  CborCursor in{first};
  CHECK(static_cast<ToJoined>(in.number()) == ToJoined::schema);
  stage.hear(sut);
  REQUIRE(stage.schemas.size() == 2);
  CHECK(StateSchema::parse(stage.schemas[1]).value().schemas().contains("domain.x"));
  CHECK(stage.follower.version() == 1);
  // Also when it comes without a commit, and not twice.
  adopt("paths: {domain.x: {type: number}}", 1);
  CHECK(stage.turn.version() == 1);
  stage.hear(sut);
  stage.hear(sut);
  CHECK(stage.schemas.size() == 3);
}

TEST_CASE("a joined process cannot tell a cause that only the owner can have [F118]", "[join][F118]") {
  JoinStage stage;
  Follower sut{stage.terms, 0, false, false, stage.now, 3};
  const std::vector<Write> writes{Write::set("domain.x", 2)};
  std::vector<Cause> causes{{.name = std::string(cause_name_bytes_max + 1, 'x')}, {.origin = 4}};
  for (const auto kind : {Cause::Kind::initial, Cause::Kind::migration, Cause::Kind::attached})
    causes.push_back({.kind = kind});
  std::uint64_t number = 0;
  for (const Cause& cause : causes)
    sut.receive(stage.submission({.writes = writes}, ++number, "epoch", cause), stage.now).value();
  stage.hear(sut);
  REQUIRE(stage.answers.size() == causes.size());
  for (const JoinAnswer& answer : stage.answers) {
    REQUIRE_FALSE(answer.outcome);
    CHECK(*answer.outcome.error().field("rule") == Value{"cause"});
  }
  CHECK(stage.turn.version() == 0);
  sut.receive(stage.submission({.writes = writes}, 9, "epoch", {.kind = Cause::Kind::process, .name = "count"}),
              stage.now)
      .value();
  CHECK(stage.turn.version() == 1);
}

}  // namespace theus
