// A program that engines of tests spawn, and one that spawns itself.
//
//   spawned            with nothing in its environment: an engine with members in two further processes, in FOLDER;
//   says spawned FOLDER     their pids, and waits to be killed

#include "tests/support/hosted_agents.hpp"

#include <theus/engine.hpp>

#include <cstdio>
#include <stdexcept>
#include <thread>

using namespace theus;

namespace {

Status crash(Engine&) { std::abort(); }
Status refuse(Engine&) { return Error{Errc::bad_input, "refuse", "there is no table today", "Come tomorrow"}; }
Status fling(Engine&) { throw std::runtime_error{"no table today"}; }
Status nothing(Engine&) { return {}; }
Status hang(Engine&) {
  for (;;)
    std::this_thread::yield();
}

}  // namespace

int main(int argc, char** argv) {
  serve_if_spawned({{"members", testing::spawn_members},
                    {"observers", testing::spawn_observers},
                    {"crash", crash},
                    {"refuse", refuse},
                    {"fling", fling},
                    {"nothing", nothing},
                    {"hang", hang}});
  if (argc < 2)
    return 2;
  Engine engine{{.threads = 1, .attach = {.folder = argv[1]}}};
  testing::spawn_members(engine).value();
  std::printf("%d %d\n", engine.spawn_process("members").value().status().pid,
              engine.spawn_process("members").value().status().pid);
  std::printf("unknown: %s\n", engine.spawn_process("membres").error().text().c_str());
  std::fflush(stdout);
  for (;;)
    if (!engine.round())
      return 1;
}
