// kill -9 at random moments; the program and its killer are tests/campaigns/kill_loop.cpp.

#include "tests/support/folder.hpp"
#include "tests/support/subprocess.hpp"

#include <catch2/catch.hpp>

#include <future>
#include <random>
#include <vector>

namespace theus::testing {
namespace {

// Four journals at once; a start under a sanitizer takes several times as long.
constexpr int journals = 4;
#ifdef __SANITIZE_ADDRESS__
constexpr const char* cycles = "25";
#else
constexpr const char* cycles = "500";
#endif

TEST_CASE(
    "a program that is killed again and again loses nothing it acknowledged, and does nothing twice "
    "[F05][F06][F07][F88]",
    "[journal][kill][F05][F06][F07][F88]") {
  const Folder folder;
  const unsigned seed = std::random_device{}();
  INFO("seeds from " << seed);
  std::vector<std::future<Finished>> loops;
  for (unsigned i = 0; i < journals; ++i)
    loops.push_back(std::async(std::launch::async, [&, i] {
      const std::string state = (folder.path() / std::to_string(i)).string();
      return run({THEUS_BINARY_DIR "/bin/kill_loop", state, cycles, std::to_string(seed + i)},
                 {.watchdog = std::chrono::seconds{280}});
    }));
  for (auto& loop : loops) {
    const Finished finished = loop.get();
    WARN(finished.out);
    INFO(finished.err);
    CHECK(finished.exit == 0);
    CHECK(finished.out.find(std::string{"cycles "} + cycles) != std::string::npos);
    CHECK(finished.out.find("lost 0, twice 0") != std::string::npos);
  }
}

}  // namespace
}  // namespace theus::testing
