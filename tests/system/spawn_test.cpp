// Processes that an engine starts and keeps alive.

#include "tests/support/host_campaign.hpp"
#include "tests/support/spawn_stage.hpp"
#include "tests/support/subprocess.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <mutex>
#include <sstream>

namespace theus {
namespace {

using namespace std::chrono_literals;
using State = SpawnedStatus::State;
using Clock = std::chrono::steady_clock;
using testing::by_program;
using testing::comes_true;
using testing::expected_digest;
using testing::Folder;
using testing::is_alive;
using testing::SpawnStage;

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

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
    testing::Subprocess owner{{testing::spawned_program, (folder.path() / ".theus").string()}};
    owner.wait_for_out("unknown");
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
  const auto orphan = testing::run({testing::spawned_program}, {.environment = {"THEUS_SPAWNED_BY=4194304"}});
  CHECK(orphan.exit == 0);
  CHECK(orphan.out.empty());
  // Without that it says how it is used.
  CHECK(testing::run({testing::spawned_program}).exit == 2);
}

}  // namespace theus
