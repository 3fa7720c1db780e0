#include "tests/system/command_line.hpp"

#include "shm/segment_name.hpp"

#include <theus/engine.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <memory>

#include <catch2/catch.hpp>

namespace theus::testing {
namespace {

/// A project folder in which `theus run` has put three numbers into the heavy zone and now hangs.
class HeavyProject {
public:
  HeavyProject() {
    const std::string flow = folder_.file("flow.yaml",
                                          "steps:\n"
                                          "  - {flux: set, values: {domain.heavy_numbers: [1, 2, 3], domain.x: 1}}\n"
                                          "  - hang\n");
    engine_ = std::make_unique<Subprocess>(
        std::vector<std::string>{THEUS_BINARY_DIR "/bin/theus", "run", flow, "--module", module("shop")},
        SubprocessOptions{.folder = folder_.path().string()});
    engine_->wait_for_err("hanging");
  }

  Finished heavy(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "heavy");
    return theus(std::move(arguments), {.folder = folder_.path().string()});
  }
  std::string handle() const {
    return "unix:" + folder_.path().string() + "/.theus/engine-" + std::to_string(engine_->pid());
  }

private:
  Folder folder_;
  std::unique_ptr<Subprocess> engine_;
};

/// A segment in /dev/shm as a process that has ended would have left it. Another test may reap it.
std::string dead_segment(std::uint32_t number) {
  struct stat status {};
  ::stat("/proc/self/ns/pid", &status);
  const shm::ProcessIdentity self = shm::this_process();
  const std::string name = shm::to_text({.user = ::geteuid(),
                                         .pid_namespace = status.st_ino,
                                         .owner = {self.pid, self.started + 1},
                                         .engine = 0xdead,
                                         .number = number});
  std::ofstream{"/dev/shm/" + name} << "left";
  return name;
}

}  // namespace

TEST_CASE("heavy ls and top show the buffers of the engine that runs in the project folder", "[cli][heavy]") {
  const HeavyProject project;
  const Finished listed = project.heavy({"ls"});
  CHECK(listed.exit == 0);
  CHECK(has(listed.out, "i64[3]"));
  CHECK(has(listed.out, "1 buffers, 0 not shown, 0 being built"));
  const auto buffers = document(project.heavy({"ls", "--json"}).out)["buffers"];
  REQUIRE(buffers.size() == 1);
  CHECK(buffers[0]["type"] == "i64");
  CHECK(buffers[0]["shape"] == nlohmann::json{3});
  CHECK(buffers[0]["bytes"] == 24);
  CHECK(buffers[0]["state"] == "published");
  CHECK(buffers[0]["owner"] == "engine");
  CHECK(buffers[0]["leases"] == 0);

  CHECK(has(project.heavy({"top"}).out, "by 1 buffers"));
  const auto top = document(project.heavy({"top", "--json"}).out);
  CHECK(top["buffers"] == 1);
  CHECK(top["bytes_copied"] == 24);
  CHECK(top["readers"] == 0);
  CHECK(top["holders"].empty());
  CHECK(project.heavy({"leaks", "--attach", project.handle()}).out.find("pid") == std::string::npos);
}

TEST_CASE("heavy ls tells where the state names each buffer, when it is asked to", "[cli][heavy]") {
  const Folder folder;
  EngineOptions options;
  options.attach.folder = folder.path() / ".theus";
  Engine engine{options};
  const std::vector<double> numbers(3, 1.5);
  const Value here = engine.heavy().copy(std::span{numbers}).value();
  const Value there = engine.heavy().copy(std::span{numbers}.first(2)).value();
  const Value unnamed = engine.heavy().copy(std::span{numbers}.first(1)).value();
  Value many = Value::list();
  for (int i = 0; i < 10; ++i)
    many.push_back(there);
  engine
      .compare_and_swap(engine.version(),
                        {Write::set("heavy.rows", Value::list({here})),
                         Write::set("domain.shops.north.heavy_frame", here), Write::set("heavy.many", many)})
      .value();
  const auto heavy = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"heavy", "ls"});
    return theus(std::move(arguments), {.folder = folder.path().string()});
  };
  const auto buffers = document(heavy({"--places", "--json"}).out)["buffers"];
  REQUIRE(buffers.size() == 3);
  auto paths = buffers[0]["paths"].get<std::vector<std::string>>();
  std::ranges::sort(paths);
  CHECK(paths == std::vector<std::string>{"domain.shops.north.heavy_frame", "heavy.rows[0]"});
  CHECK(buffers[0]["places"] == 2);
  CHECK(buffers[1]["places"] == 10);
  CHECK(buffers[1]["paths"].size() == 8);
  CHECK(buffers[2]["places"] == 0);
  const std::string text = heavy({"--places"}).out;
  CHECK(has(text, "\n         heavy.rows[0]\n"));
  CHECK(has(text, "and 2 more\n"));
  CHECK_FALSE(document(heavy({"--json"}).out)["buffers"][0].contains("paths"));
}

TEST_CASE("heavy top on a terminal shows what changes until q is pressed, or it is interrupted", "[cli][heavy]") {
  const Folder folder;
  EngineOptions options;
  options.attach.folder = folder.path() / ".theus";
  Engine engine{options};
  const auto top = [&] {
    return std::make_unique<Subprocess>(
        std::vector<std::string>{THEUS_BINARY_DIR "/bin/theus", "heavy", "top", "--interval", "0.05"},
        SubprocessOptions{
            .environment = {"TERM=xterm"}, .folder = folder.path().string(), .out = SubprocessOptions::Out::terminal});
  };
  auto first = top();
  first->wait_for_out("by 0 buffers");
  const Value kept = engine.heavy().copy<double>(std::vector<double>(3, 1.5)).value();
  first->wait_for_out("by 1 buffers");
  first->type("xq");
  const Finished ended = first->finish();
  CHECK(ended.exit == 0);
  CHECK(ended.out.ends_with("\x1b[?1049l"));

  auto second = top();
  second->wait_for_out("by 1 buffers");
  second->signal(SIGINT);
  CHECK(second->finish().exit == 130);
}

TEST_CASE("heavy leaks names who sits on buffers, and ends with 1 as long as somebody does [F48]", "[cli][heavy]") {
  HeavyProject project;
  Subprocess reader{{THEUS_BINARY_DIR "/bin/test_heavy_reader", project.handle(), "domain.heavy_numbers"}};
  reader.wait_for_out("holds 1");
  const auto top = document(project.heavy({"top", "--json"}).out);
  REQUIRE(top["holders"].size() == 1);
  CHECK(top["holders"][0]["pid"] == reader.pid());
  CHECK(top["holders"][0]["bytes"] == 24);
  CHECK(document(project.heavy({"ls", "--json"}).out)["buffers"][0]["leases"] == 1);

  const auto holders = [&] {
    const Finished leaks = project.heavy({"leaks", "--age", "0.05", "--json"});
    const auto report = document(leaks.out);
    const bool is_bad = !report["holders"].empty() || !report["dead_segments"].empty();
    CHECK(leaks.exit == (is_bad ? 1 : 0));
    return report["holders"];
  };
  const auto until = [&](bool wanted) {
    for (int attempt = 0; attempt < 1000; ++attempt)
      if (const auto found = holders(); found.empty() != wanted)
        return found;
    return nlohmann::json{};
  };
  const auto named = until(true);
  REQUIRE(named.size() == 1);
  CHECK(named[0]["pid"] == reader.pid());
  CHECK(named[0]["leases"] == 1);
  reader.signal(SIGKILL);
  CHECK(until(false) == nlohmann::json::array());
}

TEST_CASE("heavy reap removes what dead processes left, and nothing else [F43]", "[cli][heavy]") {
  const std::string foreign = "/dev/shm/theus-cache-" + std::to_string(::getpid());
  std::ofstream{foreign} << "mine";
  const Folder folder;
  bool told = false;
  bool reaped = false;
  for (std::uint32_t attempt = 1; attempt <= 10 && !(told && reaped); ++attempt) {
    const std::string name = dead_segment(attempt);
    const Finished leaks = theus({"heavy", "leaks"}, {.folder = folder.path().string()});
    told = told || (leaks.exit == 1 && has(leaks.out, name));
    const Finished dry = theus({"heavy", "reap", "--dry-run"});
    CHECK(dry.exit == 0);
    const auto done = document(theus({"heavy", "reap", "--json"}).out);
    reaped = reaped || std::ranges::any_of(done["removed"], [&](const auto& each) { return each == name; });
    CHECK_FALSE(std::filesystem::exists("/dev/shm/" + name));
  }
  CHECK(told);
  CHECK(reaped);
  CHECK(std::filesystem::exists(foreign));
  std::filesystem::remove(foreign);
}

TEST_CASE("heavy commands say when there is no engine, and what was mistyped", "[cli][heavy]") {
  const Folder folder;
  const SubprocessOptions there{.folder = folder.path().string()};
  for (const char* name : {"ls", "top"}) {
    const Finished nobody = theus({"heavy", name}, there);
    CHECK(nobody.exit == 4);
    CHECK(has(nobody.err, "no running engine was found"));
  }
  CHECK(theus({"heavy", "leaks", "--attach", "unix:" + folder.path().string() + "/engine-1"}, there).exit == 4);
  const Finished lss = theus({"heavy", "lss"});
  CHECK(lss.exit == 2);
  CHECK(has(lss.err, "'ls'"));
  CHECK(theus({"heavy", "top", "--age", "-1"}).exit == 2);
  CHECK(theus({"heavy", "ls", "--max", "0"}).exit == 2);
  CHECK(theus({"heavy", "reap", "--all"}).exit == 2);
}

TEST_CASE("doctor tells what engines need, and ends with 1 if something is wrong", "[cli][doctor]") {
  const Folder folder;
  const SubprocessOptions there{.folder = folder.path().string()};
  const auto verdict_of = [](const nlohmann::json& report, const std::string& subject) {
    for (const auto& finding : report["findings"])
      if (finding["subject"] == subject)
        return finding["verdict"].get<std::string>();
    return std::string{"absent"};
  };
  const Finished healthy = theus({"doctor", "--json"}, there);
  const auto report = document(healthy.out);
  CHECK(healthy.exit == (report["wrong"] == 0 ? 0 : 1));
  for (const char* subject : {"versions", "sealed memory", "process descriptors", "limits", "memory", "engines"})
    CHECK(verdict_of(report, subject) == "ok");
  CHECK(has(theus({"doctor"}, there).out, "sealed memory"));

  const Finished limited =
      run({"/bin/sh", "-c", "ulimit -n 100; exec " THEUS_BINARY_DIR "/bin/theus doctor --json"}, there);
  CHECK(limited.exit == 1);
  CHECK(verdict_of(document(limited.out), "limits") == "wrong");

  std::filesystem::create_directory(folder.path() / ".theus");
  std::filesystem::permissions(folder.path() / ".theus", std::filesystem::perms::owner_all);
  std::ofstream{folder.path() / ".theus/engine-1.token"} << "left";
  const Finished stale = theus({"doctor"}, there);
  CHECK(stale.exit == 1);
  CHECK(has(stale.out, "engine-1.token"));

  const Finished mistyped = theus({"docter"});
  CHECK(mistyped.exit == 2);
  CHECK(has(mistyped.err, "doctor"));
}

}  // namespace theus::testing
