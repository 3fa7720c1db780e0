// Processes that an engine starts and keeps alive, and rounds that are spread over them.

#include <theus/digest.hpp>
#include <theus/engine.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/host_campaign.hpp"
#include "tests/support/subprocess.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <mutex>
#include <sstream>
#include <thread>

namespace theus {
namespace {

using namespace std::chrono_literals;
using State = SpawnedStatus::State;
using testing::Folder;
using Clock = std::chrono::steady_clock;

const std::string program = THEUS_BINARY_DIR "/bin/test_spawned";

bool comes_true(const auto& condition, std::chrono::seconds patience = 30s) {
  const auto deadline = Clock::now() + patience;
  while (!condition() && Clock::now() < deadline)
    std::this_thread::yield();
  return condition();
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// Whether the process runs; one that has ended may still wait for its parent to ask.
bool is_alive(int pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
  std::string stat;
  std::getline(file, stat);
  const auto name_end = stat.rfind(')');
  return name_end != std::string::npos && stat.compare(name_end + 2, 1, "Z") != 0;
}

SpawnOptions by_program(SpawnOptions options = {}) {
  options.command = {program};
  return options;
}

struct SpawnStage {
  Folder folder;
  Engine engine;

  explicit SpawnStage(EngineOptions options = {}) : engine(with_folder(std::move(options))) {}
  EngineOptions with_folder(EngineOptions options) const {
    options.threads = 1;
    options.seed = 5;
    options.attach.folder = folder.path() / ".theus";
    options.log = [](const LogEntry&) {};
    return options;
  }
  std::string digest() const { return theus::digest(engine.state().find("domain.club").value()).text(); }
  Status rounds(int count) {
    for (int i = 0; i < count; ++i)
      if (auto done = engine.round("member_*"); !done)
        return done.error();
    return {};
  }
  /// Has so many hosts of all members.
  bool has_hosts(std::size_t count) const {
    return comes_true([&] {
      const auto hosts = engine.round_hosts();
      return hosts.size() == count + 1 &&
             std::ranges::all_of(hosts, [](const RoundHost& host) { return host.agents == testing::members_count; });
    });
  }
};

/// The club after so many rounds in one process.
std::string expected_digest(int rounds) {
  SpawnStage alone;
  testing::spawn_members(alone.engine).value();
  alone.rounds(rounds).value();
  return alone.digest();
}

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
  const Version version = stage.engine.version() + 1;
  stage.engine
      .compare_and_swap(
          version - 1,
          {Write::set("domain.fatal", Value::list({Value{version}, Value{stage.folder.path().string()}, Value{1}}))})
      .value();
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
  const Version version = stage.engine.version() + 1;
  stage.engine
      .compare_and_swap(
          version - 1,
          {Write::set("domain.fatal", Value::list({Value{version}, Value{stage.folder.path().string()}, Value{3}}))})
      .value();
  const auto failed = stage.engine.round();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == Errc::worker_died);
  CHECK(has(failed.error().text(), "the last one was process "));
  CHECK(stage.engine.version() == version);
  CHECK(stage.engine.round().value().writes > 0);
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

TEST_CASE("spawned processes end with the engine, and leave nothing behind", "[spawn]") {
  const auto descriptors = testing::open_descriptors();
  const auto before = testing::children().size();
  const Folder folder;
  std::vector<int> pids;
  {
    Engine engine{{.threads = 1, .attach = {.folder = folder.path() / ".theus"}}};
    for (int i = 0; i < 2; ++i)
      pids.push_back(engine.spawn_process("nothing", by_program()).value().status().pid);
    // One that does not hear.
    ::kill(pids.back(), SIGSTOP);
    const auto begin = Clock::now();
    engine.shutdown(10s).value();
    CHECK(Clock::now() - begin < 8s);
  }
  for (const int pid : pids)
    CHECK_FALSE(is_alive(pid));
  CHECK(testing::children().size() == before);
  CHECK(testing::open_descriptors() == descriptors);
  CHECK((!std::filesystem::exists(folder.path() / ".theus") || std::filesystem::is_empty(folder.path() / ".theus")));
}

TEST_CASE("a process that is stopped ends, is not started again and hosts nothing", "[spawn]") {
  SpawnStage stage;
  testing::spawn_members(stage.engine).value();
  auto process = stage.engine.spawn_process("members", by_program()).value();
  const int pid = process.status().pid;
  process.stop();
  CHECK_FALSE(is_alive(pid));
  CHECK(process.status().state == State::stopped);
  CHECK(process.wait_until_running(1s).error().code() == Errc::closed);
  CHECK(stage.has_hosts(0));
  stage.rounds(2).value();
  const auto listed = stage.engine.spawned_processes();
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].name == "members");
  CHECK(listed[0].state == State::stopped);
}

TEST_CASE("a process that ends too often is given up, and the engine goes on without it", "[spawn]") {
  SpawnStage stage;
  testing::spawn_members(stage.engine).value();
  const auto process =
      stage.engine.spawn_process("members", by_program({.restarts = {.times = 2, .within = 600s}})).value();
  for (int kills = 0; kills < 3; ++kills) {
    REQUIRE(process.wait_until_running(30s));
    ::kill(process.status().pid, SIGKILL);
    comes_true([&] { return process.status().state != State::running; });
  }
  CHECK(comes_true([&] { return process.status().state == State::gave_up; }));
  CHECK(process.wait_until_running(1s).error().code() == Errc::worker_died);
  CHECK(has(process.status().fault->text(), "3 times within 600 s"));
  stage.rounds(3).value();
  CHECK(stage.digest() == expected_digest(3));
}

TEST_CASE("what cannot be spawned says why", "[spawn]") {
  SpawnStage stage;
  const auto refusal = [&](std::string_view what, const SpawnOptions& options) {
    return stage.engine.spawn_process(what, options).error();
  };
  CHECK(refusal("refuse", by_program()).code() == Errc::bad_input);
  CHECK(has(refusal("refuse", by_program()).text(), "there is no table today"));
  CHECK(refusal("fling", by_program()).code() == Errc::process_failed);
  CHECK(refusal("nobody", by_program()).code() == Errc::bad_argument);
  CHECK(refusal("crash", by_program()).code() == Errc::worker_died);
  CHECK(has(refusal("crash", by_program()).text(), "signal 6"));
  CHECK(has(refusal("hang", by_program({.start_timeout = 200ms})).text(), "before it was ready: signal 9"));
  CHECK(refusal("members", {.command = {"/nowhere/program"}}).code() == Errc::bad_argument);
  CHECK(refusal("members", {.command = {"/bin/true"}}).code() == Errc::worker_died);
  CHECK(refusal("./nowhere.so", by_program()).code() == Errc::bad_input);
  CHECK(refusal("members", {.start_timeout = 0ms}).code() == Errc::bad_argument);
  CHECK(refusal("members", {}).code() == Errc::unsupported);
  CHECK(has(refusal("members", {}).text(), "serve_if_spawned"));
  Engine closed_to_others{{.threads = 1}};
  const Error nobody_joins = closed_to_others.spawn_process("members", by_program()).error();
  CHECK(nobody_joins.code() == Errc::unsupported);
  CHECK(has(nobody_joins.text(), "EngineOptions::attach"));
  CHECK(closed_to_others.host_agents().error().code() == Errc::unsupported);
  closed_to_others.shutdown(5s).value();
  CHECK(closed_to_others.spawn_process("members", by_program()).error().code() == Errc::closed);
}

TEST_CASE("a module is spawned by its path", "[spawn]") {
  SpawnStage stage;
  const auto process = stage.engine.spawn_process(THEUS_BINARY_DIR "/lib/test_modules/shop.so", by_program());
  INFO((process ? std::string{} : process.error().text()));
  REQUIRE(process);
  CHECK(process->status().state == State::running);
}

TEST_CASE("processes of an engine that is killed end by themselves [F08]", "[spawn][F08]") {
  const Folder folder;
  std::vector<int> pids(2);
  {
    testing::Subprocess owner{{program, (folder.path() / ".theus").string()}};
    owner.wait_for_out("unknown");
    owner.signal(SIGKILL);
    const auto finished = owner.finish();
    CHECK(has(finished.out, "Did you mean 'members'?"));
    std::istringstream{finished.out} >> pids[0] >> pids[1];
  }
  for (const int pid : pids) {
    REQUIRE(pid > 0);
    CHECK(comes_true([&] { return !is_alive(pid); }, 10s));
  }
}

TEST_CASE("a process whose engine ended before it could look ends at once", "[spawn]") {
  // No process has the largest pid there can be.
  const auto orphan = testing::run({program}, {.environment = {"THEUS_SPAWNED_BY=4194304"}});
  CHECK(orphan.exit == 0);
  CHECK(orphan.out.empty());
  // Without that it says how it is used.
  CHECK(testing::run({program}).exit == 2);
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
    // Meanwhile `ps` shows them by their program's name.
    int shown = 0;
    for (const auto& thread : std::filesystem::directory_iterator{"/proc/" + std::to_string(owner.pid()) + "/task"}) {
      std::ifstream children{thread.path() / "children"};
      for (int pid = 0; children >> pid; ++shown) {
        std::ifstream file{"/proc/" + std::to_string(pid) + "/comm"};
        std::string name;
        std::getline(file, name);
        CHECK(name == "test_spawned");
      }
    }
    CHECK(shown == 2);
  }
  CHECK(digests[0] == digests[1]);
}

TEST_CASE("fifty hosts killed in the midst of rounds change nothing of the result [F01]", "[spawn][F01]") {
  const auto result = testing::HostCampaign{program, 99}.run(50);
  WARN(result.text());
  CHECK(result.same_digest);
  CHECK(result.refused == 0);
  CHECK(result.steps_wrong == 0);
  CHECK(result.children_left == 0);
  CHECK(result.descriptors_left == 0);
}

}  // namespace theus
