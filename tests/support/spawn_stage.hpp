#pragma once

// An engine whose rounds are spread over processes that it spawns: test_spawned, with the agents of hosted_agents.hpp.

#include "tests/support/folder.hpp"
#include "tests/support/hosted_agents.hpp"

#include <theus/digest.hpp>
#include <theus/engine.hpp>

#include <algorithm>
#include <fstream>
#include <thread>

namespace theus::testing {

inline const std::string spawned_program = THEUS_BINARY_DIR "/bin/test_spawned";

bool comes_true(const auto& condition, std::chrono::seconds patience = std::chrono::seconds{30}) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  return condition();
}

/// Whether the process runs; one that has ended may still wait for its parent to ask.
inline bool is_alive(int pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
  std::string stat;
  std::getline(file, stat);
  const auto name_end = stat.rfind(')');
  return name_end != std::string::npos && stat.compare(name_end + 2, 1, "Z") != 0;
}

inline SpawnOptions by_program(SpawnOptions options = {}) {
  options.command = {spawned_program};
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
  /// From the next version on, the step of `member_9` on it dies, or hangs, so many times.
  Version arrange(const char* what, int times) {
    const Version version = engine.version() + 1;
    const Value told = Value::list({Value{version}, Value{folder.path().string()}, Value{times}});
    return engine.compare_and_swap(version - 1, {Write::set(what, told)}).value();
  }
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
             std::ranges::all_of(hosts, [](const RoundHost& host) { return host.agents == members_count; });
    });
  }
};

/// The club after so many rounds in one process.
inline std::string expected_digest(int rounds) {
  SpawnStage alone;
  spawn_members(alone.engine).value();
  alone.rounds(rounds).value();
  return alone.digest();
}

}  // namespace theus::testing
