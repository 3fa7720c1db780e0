// Rounds that are spread over processes.

#include "tests/support/host_campaign.hpp"
#include "tests/support/spawn_stage.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <csignal>
#include <filesystem>

namespace theus {
namespace {

using namespace std::chrono_literals;
using State = SpawnedStatus::State;
using testing::by_program;
using testing::comes_true;
using testing::expected_digest;
using testing::Folder;
using testing::is_alive;
using testing::SpawnStage;

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("agents spread over three processes come to the same state as in one", "[spawn]") {
  SpawnStage stage;
  testing::spawn_members(stage.engine).value();
  for (int i = 0; i < 2; ++i) {
    const auto process = stage.engine.spawn_process("members", by_program()).value();
    CHECK(process.status().state == State::running);
    CHECK(process.status().agents == testing::members_count);
    CHECK(is_alive(process.status().pid));
  }
  stage.rounds(20).value();
  CHECK(stage.digest() == expected_digest(20));
  const auto hosts = stage.engine.round_hosts();
  REQUIRE(hosts.size() == 3);
  CHECK(hosts[0].pid == ::getpid());
  for (const RoundHost& host : hosts) {
    CHECK(host.agents == testing::members_count);
    CHECK(host.last_round == 4);
    CHECK(host.steps == 80);
  }
}

TEST_CASE("all agents of a round read one version in all processes, whatever is committed meanwhile", "[spawn]") {
  SpawnStage stage;
  testing::spawn_observers(stage.engine).value();
  for (int i = 0; i < 2; ++i)
    stage.engine.spawn_process("observers", by_program()).value();
  std::jthread others{[&](const std::stop_token& end) {
    for (std::int64_t i = 0; !end.stop_requested(); ++i)
      stage.engine.update("domain.other", [&](const Value&) { return Value{i}; }).value();
  }};
  int elsewhere = 0;
  for (int round = 0; round < 300; ++round) {
    stage.engine.round("member_*").value();
    const Value seen = stage.engine.state().get("domain.seen").value();
    REQUIRE(seen.size() == testing::members_count);
    for (const auto [name, version] : seen.members())
      REQUIRE(version == seen["member_1"]);
    elsewhere += stage.engine.round_hosts()[0].last_round < testing::members_count ? 1 : 0;
  }
  WARN(elsewhere << " of 300 rounds were stepped in several processes");
}

TEST_CASE("a host that is killed is started again, and no step is lost or taken twice [F01]", "[spawn][F01]") {
  SpawnStage stage;
  testing::spawn_members(stage.engine).value();
  const auto first = stage.engine.spawn_process("members", by_program()).value();
  const auto second = stage.engine.spawn_process("members", by_program()).value();
  stage.rounds(5).value();
  const int before = first.status().pid;
  REQUIRE(::kill(before, SIGKILL) == 0);
  stage.rounds(5).value();
  CHECK(comes_true([&] { return first.status().restarts == 1 && first.status().state == State::running; }));
  CHECK(first.status().pid != before);
  CHECK(first.status().last_end == "signal 9 (Killed)");
  CHECK(second.status().restarts == 0);
  REQUIRE(stage.has_hosts(2));
  stage.rounds(5).value();
  CHECK(stage.digest() == expected_digest(15));
  CHECK(stage.engine.state().get<int>("domain.club.member_9.steps").value() == 15);
}

TEST_CASE("a host that dies in the midst of a step changes nothing of the result [F01]", "[spawn][F01]") {
  // As often as the round bears: another process takes over, then the owner.
  SpawnStage stage;
  testing::spawn_members(stage.engine).value();
  for (int i = 0; i < 2; ++i)
    stage.engine.spawn_process("members", by_program()).value();
  stage.rounds(3).value();
  stage.arrange("domain.fatal", 1);
  stage.rounds(7).value();
  CHECK(std::filesystem::exists(stage.folder.path() / "death_0"));
  CHECK(stage.engine.state().get<int>("domain.club.member_9.steps").value() == 10);

  SpawnStage alone;
  testing::spawn_members(alone.engine).value();
  alone.rounds(3).value();
  alone.engine.compare_and_swap(3, {Write::set("domain.fatal", 0)}).value();
  alone.rounds(7).value();
  CHECK(stage.digest() == alone.digest());
}

TEST_CASE("a step that processes die of again and again fails the round with a pid, and the owner lives [F01]",
          "[spawn][F01]") {
  SpawnStage stage;
  testing::spawn_members(stage.engine).value();
  for (int i = 0; i < 2; ++i)
    stage.engine.spawn_process("members", by_program()).value();
  const Version version = stage.arrange("domain.fatal", 3);
  const auto failed = stage.engine.round();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == Errc::worker_died);
  CHECK(has(failed.error().text(), "the last one was process "));
  CHECK(*failed.error().field("agent") == Value{"member_9"});
  CHECK(*failed.error().field("version") == Value{version});
  CHECK(stage.engine.version() == version);
  CHECK(stage.engine.round().value().writes > 0);
}

TEST_CASE("a single host that dies of a step again and again does not take the owner along [F01]", "[spawn][F01]") {
  SpawnStage stage;
  testing::spawn_members(stage.engine).value();
  stage.engine.spawn_process("members", by_program()).value();
  stage.arrange("domain.fatal", 3);
  const auto failed = stage.engine.round();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == Errc::worker_died);
  CHECK(*failed.error().field("agent") == Value{"member_9"});
  CHECK(stage.engine.round().value().writes > 0);
}

TEST_CASE("a spawned host whose step hangs is killed, and the round ends as in one process [F94]", "[spawn][F94]") {
  SpawnStage stage;
  testing::spawn_members(stage.engine).value();
  const auto process = stage.engine.spawn_process("members", by_program()).value();
  stage.rounds(2).value();
  stage.arrange("domain.stuck", 1);
  stage.engine.round("member_*", 6s).value();
  CHECK(comes_true([&] { return process.status().restarts == 1 && process.status().state == State::running; }));
  REQUIRE(stage.has_hosts(1));
  stage.rounds(2).value();
  SpawnStage alone;
  testing::spawn_members(alone.engine).value();
  alone.rounds(2).value();
  alone.engine.compare_and_swap(2, {Write::set("domain.stuck", 0)}).value();
  alone.rounds(3).value();
  CHECK(stage.digest() == alone.digest());
}

TEST_CASE("a joined host whose step hangs is let go of, and offers its agents again when it has ended [F94]",
          "[spawn][F94]") {
  SpawnStage stage;
  testing::spawn_members(stage.engine).value();
  stage.rounds(1).value();
  std::atomic<bool> hangs{true};
  Engine joined = Engine::from_handle(stage.engine.context_handle().value(), {.threads = 1}).value();
  joined
      .spawn_agents(testing::members_count,
                    [&](std::size_t i) {
                      Agent agent = testing::member(static_cast<int>(i) + 1);
                      agent.body = [&hangs, body = agent.body](Context& ctx) {
                        while (hangs)
                          std::this_thread::yield();
                        return body(ctx);
                      };
                      return agent;
                    })
      .value();
  REQUIRE(joined.host_agents().value() == testing::members_count);
  stage.engine.round("member_*", 4s).value();
  CHECK(stage.engine.round_hosts().size() == 1);
  stage.rounds(1).value();
  hangs = false;
  REQUIRE(stage.has_hosts(1));
  stage.rounds(1).value();
  CHECK(stage.engine.round_hosts().at(1).last_round == 6);
  CHECK(stage.digest() == expected_digest(4));
}

TEST_CASE("a host that stands still is let go of, and what it answers later is not heard [F10][F117]",
          "[spawn][F10][F117]") {
  SpawnStage stage;
  testing::spawn_members(stage.engine).value();
  const auto process = stage.engine.spawn_process("members", by_program()).value();
  stage.rounds(2).value();
  REQUIRE(::kill(process.status().pid, SIGSTOP) == 0);
  stage.rounds(3).value();
  REQUIRE(::kill(process.status().pid, SIGCONT) == 0);
  REQUIRE(stage.has_hosts(1));
  stage.rounds(3).value();
  CHECK(stage.engine.round_hosts()[1].last_round == 6);
  CHECK(process.status().restarts == 0);
  CHECK(stage.digest() == expected_digest(8));
}

TEST_CASE("a host that joined by itself steps agents, too, until it leaves", "[spawn]") {
  SpawnStage stage;
  testing::spawn_members(stage.engine).value();
  {
    Engine joined = Engine::from_handle(stage.engine.context_handle().value(), {.threads = 1}).value();
    testing::spawn_members(joined).value();
    stage.rounds(1).value();
    CHECK(stage.engine.round_hosts().size() == 1);
    CHECK(joined.host_agents().value() == testing::members_count);
    stage.rounds(4).value();
    CHECK(stage.engine.round_hosts().at(1).steps == 24);
    CHECK(joined.stop_agent("member_12").ok());
    stage.rounds(1).value();
    CHECK(joined.host_agents().value() == testing::members_count - 1);
    stage.rounds(1).value();
    CHECK(stage.engine.round_hosts().at(1).last_round == 5);
  }
  REQUIRE(stage.has_hosts(0));
  stage.rounds(1).value();
  CHECK(stage.digest() == expected_digest(8));
}

TEST_CASE("a round in several processes stands in the journal as one in a single process does", "[spawn]") {
  const Folder folder;
  std::vector<std::string> digests;
  for (const std::size_t processes : {1, 2}) {
    const JournalOptions journal{.path = folder.path() / ("journal_" + std::to_string(processes)),
                                 .level = Durability::os};
    {
      SpawnStage stage{{.journal = journal}};
      testing::spawn_members(stage.engine).value();
      for (std::size_t i = 1; i < processes; ++i)
        stage.engine.spawn_process("members", by_program()).value();
      stage.rounds(10).value();
      digests.push_back(stage.digest());
    }
    const Engine again{{.threads = 1, .journal = journal}};
    CHECK(again.version() == 10);
    CHECK(theus::digest(again.state().find("domain.club").value()).text() == digests.back());
  }
  CHECK(digests[0] == digests[1]);
}

TEST_CASE("fifty hosts killed in the midst of rounds change nothing of the result [F01]", "[spawn][F01]") {
  const auto result = testing::HostCampaign{testing::spawned_program, 99}.run(50);
  WARN(result.text());
  CHECK(result.same_digest);
  CHECK(result.refused == 0);
  CHECK(result.steps_wrong == 0);
  CHECK(result.children_left == 0);
  CHECK(result.descriptors_left == 0);
}

}  // namespace theus
