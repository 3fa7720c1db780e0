// Hosts that die or hang in the midst of rounds.

#include "tests/support/hosted_stage.hpp"
#include "tests/support/wanderers.hpp"

namespace theus {
namespace {

using testing::Host;
using testing::HostedStage;
using testing::name_of;
using testing::wanderers;
using testing::writers;

}  // namespace

TEST_CASE("what two processes died with waits for a third one, and not for the owner [F01]", "[hosted_rounds][F01]") {
  HostedStage stage;
  stage.found(3, [] { return writers(); });
  stage.begin_round();
  stage.leave(stage.hosts[0]);
  stage.leave(stage.hosts[1]);
  CHECK_FALSE(stage.result);
  stage.join(writers());
  stage.hear_all();
  REQUIRE(stage.result);
  CHECK(stage.result->value().writes == 4);
}

TEST_CASE("what three processes died with is given up, and the round changes nothing [F01]", "[hosted_rounds][F01]") {
  HostedStage stage;
  stage.found(4, [] { return writers(); });
  stage.begin_round();
  stage.leave(stage.hosts[0]);
  stage.leave(stage.hosts[1]);
  CHECK_FALSE(stage.result);
  stage.leave(stage.hosts[2]);
  REQUIRE(stage.result);
  const Error& error = stage.result->error();
  CHECK(error.code() == Errc::worker_died);
  CHECK(error.text().find("process 1003") != std::string::npos);
  CHECK(stage.core()->turn.version() == 0);
  CHECK(stage.round().value().writes == 4);
}

TEST_CASE("a round that waits for a host in vain ends at its deadline, and the next one begins",
          "[hosted_rounds][F116]") {
  HostedStage stage;
  stage.found(3, [] { return writers(); });
  stage.begin_round();
  stage.leave(stage.hosts[0]);
  stage.leave(stage.hosts[1]);
  stage.advance(std::chrono::seconds{59});
  CHECK_FALSE(stage.result);
  stage.advance(std::chrono::seconds{2});
  REQUIRE(stage.result);
  CHECK(stage.result->error().code() == Errc::worker_died);
  CHECK(stage.result->error().text().find("no other one came in time") != std::string::npos);
  CHECK(stage.core()->turn.version() == 0);
  CHECK(stage.round().value().writes == 4);
}

TEST_CASE("of all agents of a share, the one whose step processes die of is named [F01]", "[hosted_rounds][F01]") {
  constexpr std::uint64_t fatal = 6;
  HostedStage stage;
  stage.found(2, [] { return wanderers(); });
  stage.hosts[0].fatal = fatal;
  stage.outlook = actors::HostOutlook::coming;
  stage.begin_round();
  for (int deaths = 1; deaths <= 3; ++deaths) {
    stage.hear_all();
    CHECK_FALSE(stage.hosts.back().lives);
    CHECK(stage.result.has_value() == (deaths == 3));
    // Another host, which dies of it as well; innocent agents are stepped on the way.
    if (deaths < 3)
      stage.join(wanderers(), fatal);
  }
  REQUIRE(stage.result);
  REQUIRE_FALSE(*stage.result);
  const Error& error = stage.result->error();
  CHECK(error.code() == Errc::worker_died);
  CHECK(*error.field("agent") == Value{name_of(static_cast<int>(fatal))});
  CHECK(*error.field("version") == Value{0});
  CHECK(*error.field("execution") == Value{1 + fatal});
  CHECK(*error.field("pid") == Value{1003});
  CHECK(stage.core()->turn.version() == 0);
}

TEST_CASE("what a process has died with is stepped one agent at a time, with the same end [F01]",
          "[hosted_rounds][F01]") {
  HostedStage alone;
  alone.found(1, [] { return wanderers(); });
  alone.round().value();
  HostedStage stage;
  stage.found(3, [] { return wanderers(); });
  stage.begin_round();
  stage.deliver(stage.hosts[1]);
  stage.hear(stage.hosts[1], stage.hosts[1].answers.front());
  stage.hosts[1].answers.clear();
  const int before = stage.hosts[1].shares;
  stage.leave(stage.hosts[0]);
  stage.deliver(stage.hosts[1]);
  CHECK(stage.hosts[1].shares == before + 1);
  stage.hear_all();
  REQUIRE(stage.result);
  CHECK(stage.result->value().agents == 10);
  CHECK(stage.hosts[1].shares == before + 3);
  CHECK(stage.read("domain") == alone.read("domain"));
}

TEST_CASE("a host that hangs is let go of when half of the round's time is over, with the same end [F94]",
          "[hosted_rounds][F94]") {
  HostedStage alone;
  alone.found(1, [] { return wanderers(); });
  alone.round().value();
  HostedStage stage;
  stage.found(3, [] { return wanderers(); });
  stage.hosts[0].steps = false;
  stage.begin_round();
  stage.hear_all();
  stage.advance(std::chrono::seconds{29});
  CHECK_FALSE(stage.hosts[0].line->is_cut());
  stage.advance(std::chrono::seconds{2});
  CHECK(stage.hosts[0].line->is_cut());
  CHECK_FALSE(stage.hosts[1].line->is_cut());
  CHECK(stage.killed == std::vector<int>{1001});
  stage.hear_all();
  REQUIRE(stage.result);
  CHECK(stage.result->value().agents == 10);
  CHECK(stage.read("domain") == alone.read("domain"));
  // Before its connection has ended it is given nothing, whatever it offers.
  stage.offer(stage.hosts[0]);
  CHECK(stage.report().size() == 2);
}

TEST_CASE("an agent whose step hangs everywhere ends the round in time, and is named [F94]", "[hosted_rounds][F94]") {
  HostedStage stage;
  stage.found(2, [] { return writers(); });
  stage.outlook = actors::HostOutlook::coming;
  stage.hosts[0].steps = false;
  stage.begin_round();
  stage.hear_all();
  for (int i = 0; i < 2; ++i) {
    stage.advance(std::chrono::seconds{i == 0 ? 31 : 16});
    CHECK_FALSE(stage.result);
    stage.join(writers(), std::nullopt, false);
    stage.hear_all();
  }
  stage.advance(std::chrono::seconds{12});
  REQUIRE(stage.result);
  REQUIRE_FALSE(*stage.result);
  CHECK(stage.result->error().code() == Errc::worker_died);
  CHECK(stage.killed.size() == 3);
}

TEST_CASE("while another host is on its way, what one has died with is kept from the owner [F01]",
          "[hosted_rounds][F01]") {
  HostedStage stage;
  stage.found(2, [] { return writers(); });
  stage.outlook = actors::HostOutlook::coming;
  stage.begin_round();
  stage.leave(stage.hosts[0]);
  stage.advance(std::chrono::seconds{5});
  CHECK_FALSE(stage.result);
  SECTION("it comes") {
    stage.join(writers());
    stage.hear_all();
    CHECK(stage.hosts[1].shares == 2);
  }
  SECTION("it is given up") {
    stage.outlook = actors::HostOutlook::none;
    stage.advance(std::chrono::milliseconds{100});
  }
  SECTION("it runs, and does not end") {
    stage.outlook = actors::HostOutlook::runs_still;
    stage.advance(std::chrono::milliseconds{100});
  }
  REQUIRE(stage.result);
  CHECK(stage.result->value().writes == 4);
}

TEST_CASE("hosts that leave of their own accord have died of nothing", "[hosted_rounds]") {
  HostedStage stage;
  stage.found(4, [] { return writers(); });
  stage.outlook = actors::HostOutlook::coming;
  stage.begin_round();
  for (Host& host : stage.hosts)
    stage.withdraw(host);
  REQUIRE(stage.result);
  CHECK(stage.result->value().writes == 4);
}

TEST_CASE("what two processes died with is not stepped here when a third one gives it back [F01]",
          "[hosted_rounds][F01]") {
  HostedStage stage;
  stage.found(4, [] { return writers(); });
  stage.begin_round();
  Host& third = stage.hosts[2];
  stage.deliver(third);
  stage.hear(third, third.answers.front());
  third.answers.clear();
  stage.leave(stage.hosts[0]);
  stage.leave(stage.hosts[1]);
  while (auto message = third.line->next()) {
    CborCursor in{*message};
    if (static_cast<ToJoined>(in.number()) != ToJoined::share)
      continue;
    std::vector<std::byte> returned;
    append_returned(returned, read_share(in).number, Error{Errc::stale_epoch, "a share", "its version is gone"});
    stage.hear(third, returned);
  }
  REQUIRE(stage.result);
  REQUIRE_FALSE(*stage.result);
  CHECK(stage.result->error().code() == Errc::worker_died);
}

}  // namespace theus
