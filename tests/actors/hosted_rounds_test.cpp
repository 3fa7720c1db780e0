// Rounds that are shared out to processes that joined.

#include "tests/support/hosted_stage.hpp"
#include "tests/support/wanderers.hpp"

#include <random>

namespace theus {
namespace {

using testing::Host;
using testing::HostedStage;
using testing::name_of;
using testing::wanderers;
using testing::writer;
using testing::writers;

/// What the host was sent next, without its being stepped.
RoundShare next_share(Host& host) {
  const auto message = host.line->next().value();
  CborCursor in{message};
  (void)in.number();
  return read_share(in);
}

}  // namespace

TEST_CASE("a round gives the same state and signals with any number of processes and any schedule", "[hosted_rounds]") {
  std::optional<Value> expected;
  std::optional<std::vector<std::string>> expected_signals;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    HostedStage stage{seed, 7};
    auto receiver = stage.core()->hub.subscribe({.filter = "moved"});
    stage.found(1 + seed % 4, wanderers);
    for (int round = 0; round < 4; ++round)
      REQUIRE(stage.round().value().agents == 10);
    std::vector<std::string> signals;
    for (auto event = receiver.try_recv(); event; event = receiver.try_recv())
      signals.push_back(std::to_string(event->version) + ":" + std::to_string(event->payload.value().as_int()));
    const Value state = stage.read("domain");
    if (!expected)
      expected = state, expected_signals = signals;
    REQUIRE(state == *expected);
    REQUIRE(signals == *expected_signals);
    REQUIRE(stage.core()->turn.version() == 4);
    for (const Host& host : stage.hosts) {
      REQUIRE(host.hosted == 10);
      REQUIRE(host.shares == 4);
    }
  }
}

TEST_CASE("a round gives the same state whichever hosts die in it and come again [F01][F02]",
          "[hosted_rounds][F01][F02]") {
  std::optional<Value> expected;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    HostedStage stage{seed, 7};
    stage.found(3, wanderers);
    for (int round = 0; round < 4; ++round) {
      stage.begin_round();
      // Seed 0 kills nobody. The others kill one host: before it got its share, before its answer, or after it.
      if (seed > 0) {
        std::vector<Host*> living;
        for (Host& host : stage.hosts)
          if (host.lives)
            living.push_back(&host);
        REQUIRE(living.size() == 2);
        Host& victim = *living[random() % 2];
        const auto moment = random() % 3;
        if (moment > 0)
          stage.deliver(victim);
        if (moment > 1)
          stage.hear(victim, victim.answers.front());
        stage.leave(victim);
      }
      stage.hear_all();
      REQUIRE(stage.result.value().value().agents == 10);
      if (seed > 0)
        stage.join(wanderers());
    }
    const Value state = stage.read("domain");
    if (!expected)
      expected = state;
    REQUIRE(state == *expected);
    REQUIRE(stage.core()->turn.version() == 4);
  }
}

TEST_CASE("answers that come late, twice or from somebody else change nothing [F117]", "[hosted_rounds][F117]") {
  HostedStage stage;
  stage.found(3, [] { return writers(); });
  stage.begin_round();
  Host& first = stage.hosts[0];
  Host& second = stage.hosts[1];
  stage.deliver(first);
  stage.deliver(second);
  const auto stolen = first.answers.front();
  PathCache paths;
  CborCursor in{stolen};
  const ShareAnswer real = read_answered_share(in, paths);
  std::vector<std::byte> forged;
  append_stepped(forged, real.number);
  for (std::size_t i = 0; i < real.steps.size(); ++i)
    append_step(forged, Error{Errc::process_failed, "'b'", "says somebody else"});
  stage.hear(second, forged);
  CHECK_FALSE(stage.result);
  stage.hear(first, stolen);
  stage.hear(first, stolen);
  CHECK_FALSE(stage.result);
  stage.hear(second, second.answers.front());
  REQUIRE(stage.result);
  CHECK(stage.result->value().writes == 4);
  stage.begin_round();
  stage.hear(first, stolen);
  stage.hear(second, second.answers.front());
  CHECK_FALSE(stage.result);
  CHECK(stage.core()->turn.version() == 1);
}

TEST_CASE("a share that was given away is not taken back when its first holder answers after all [F10]",
          "[hosted_rounds][F10]") {
  HostedStage stage;
  stage.found(2, [] { return writers(); });
  stage.begin_round();
  Host& host = stage.hosts[0];
  stage.deliver(host);
  const auto late = host.answers.front();
  stage.leave(host);  // it was only slow
  REQUIRE(stage.result);
  CHECK(stage.result->value().writes == 4);
  stage.hear(host, late);
  CHECK(stage.core()->turn.version() == 1);
}

TEST_CASE("an answer with other agents than its share is done again here", "[hosted_rounds]") {
  HostedStage stage;
  stage.found(2, [] { return writers(); });
  stage.begin_round();
  Host& host = stage.hosts[0];
  const RoundShare share = next_share(host);
  std::vector<std::byte> short_answer;
  append_stepped(short_answer, share.number);
  append_step(short_answer, AgentStep{});
  stage.hear(host, short_answer);
  REQUIRE(stage.result);
  CHECK(stage.result->value().writes == 4);
}

TEST_CASE("a host cannot write what its agents may not", "[hosted_rounds]") {
  HostedStage stage;
  stage.found(2, [] { return writers(); });
  stage.begin_round();
  Host& host = stage.hosts[0];
  const RoundShare share = next_share(host);
  std::vector<std::byte> answer;
  append_stepped(answer, share.number);
  for (std::size_t i = 0; i < share.agents.size(); ++i)
    append_step(answer, AgentStep{.writes = {Write::set(Path{"domain"}.key("z" + std::to_string(i)), 1000)}});
  stage.hear(host, answer);
  REQUIRE(stage.result);
  REQUIRE_FALSE(*stage.result);
  CHECK(stage.result->error().code() == Errc::contract_violation);
  CHECK(stage.core()->turn.version() == 0);
}

TEST_CASE("a share that a host gives back is done here", "[hosted_rounds]") {
  HostedStage stage;
  stage.found(2, [] { return writers(); });
  stage.begin_round();
  Host& host = stage.hosts[0];
  std::vector<std::byte> returned;
  append_returned(returned, next_share(host).number, Error{Errc::stale_epoch, "a share", "its version is gone"});
  stage.hear(host, returned);
  REQUIRE(stage.result);
  CHECK(stage.result->value().writes == 4);
}

TEST_CASE("an agent that fails elsewhere fails the round as it would here", "[hosted_rounds]") {
  const auto fails_in_d = [](Context& ctx) {
    if (ctx.name() == "d")
      throw std::runtime_error{"no luck"};
    ctx.set(Path{"domain"}.key(ctx.name()), 1);
  };
  std::optional<std::string> expected;
  for (const std::size_t processes : {1, 2, 3}) {
    HostedStage stage;
    stage.found(processes, [&] { return writers(fails_in_d); });
    const auto failed = stage.round();
    REQUIRE_FALSE(failed);
    if (!expected)
      expected = failed.error().text();
    CHECK(failed.error().text() == *expected);
    CHECK(stage.core()->turn.version() == 0);
  }
}

TEST_CASE("agents that the owner does not have, or declares otherwise, are not stepped elsewhere", "[hosted_rounds]") {
  HostedStage stage;
  stage.found(1, [] { return writers(); });
  std::vector<Agent> others = writers();
  others[0].reads = {"domain.other"};
  others[1].name = "z";
  stage.join(std::move(others));
  CHECK(stage.hosts[0].hosted == 2);
  CHECK(stage.round().value().writes == 4);
  const auto report = stage.report();
  REQUIRE(report.size() == 2);
  CHECK(report[0].agents == 4);
  CHECK(report[0].last_round == 2);
  CHECK(report[1].pid == 1001);
  CHECK(report[1].agents == 2);
  CHECK(report[1].last_round == 2);
}

TEST_CASE("a round that takes too long tells whom it waits for", "[hosted_rounds][F116]") {
  HostedStage stage;
  stage.found(3, [] { return writers(); });
  stage.hosts[0].steps = false;
  stage.begin_round();
  stage.deliver(stage.hosts[0]);
  stage.deliver(stage.hosts[1]);
  stage.hear(stage.hosts[1], stage.hosts[1].answers.front());
  CHECK(stage.request->expire());
  CHECK(stage.result->error().code() == Errc::deadline);
  CHECK(stage.result->error().text().find("among them those of process 1001;") != std::string::npos);
  stage.leave(stage.hosts[0]);
  CHECK(stage.core()->turn.version() == 0);
  CHECK(stage.round().value().writes == 4);
}

TEST_CASE("an agent's actor that dies while it steps a share fails that step, and no round waits for it [F93]",
          "[hosted_rounds][F93]") {
  int failed = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    HostedStage stage{seed};
    stage.keeps_actors = true;
    stage.found(2, [] { return writers(); });
    stage.begin_round();
    REQUIRE_FALSE(stage.result);
    caf::anon_send_exit(stage.living.at(seed % stage.living.size()), caf::exit_reason::kill);
    stage.deliver(stage.hosts[0]);
    REQUIRE(stage.hosts[0].answers.size() == 1);
    stage.hear(stage.hosts[0], stage.hosts[0].answers.front());
    REQUIRE(stage.result);
    if (!*stage.result) {
      ++failed;
      REQUIRE(stage.result->error().code() == Errc::process_failed);
      REQUIRE(stage.core()->turn.version() == 0);
    }
    stage.hosts[0].answers.clear();
    REQUIRE(stage.round().value().agents == 4);
  }
  CHECK(failed > 0);
}

TEST_CASE("what cannot be told to another process is stepped here, with the same end", "[hosted_rounds]") {
  // A state, then a thrown text, that is no UTF-8.
  std::optional<std::string> expected;
  for (const std::size_t processes : {1, 2}) {
    HostedStage stage;
    stage.found(processes, [] {
      return writers([](Context& ctx) {
        if (ctx.version() == 2)
          throw std::runtime_error{"no \xff text"};
        ctx.agent_state() = "no \xff text";
        ctx.set(Path{"domain"}.key(ctx.name()), ctx.version() + 1);
      });
    });
    CHECK(stage.round().value().writes == 4);
    CHECK(stage.round().value().writes == 4);
    const auto failed = stage.round();
    REQUIRE_FALSE(failed);
    if (!expected)
      expected = failed.error().text();
    CHECK(failed.error().text() == *expected);
  }
}

}  // namespace theus
