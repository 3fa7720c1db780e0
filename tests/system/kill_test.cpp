// kill -9 at random moments; the program and its killer are tests/campaigns/kill_loop.cpp.

#include "tests/support/folder.hpp"
#include "tests/support/subprocess.hpp"

#include <catch2/catch.hpp>

#include <random>

namespace theus::testing {
namespace {

// A start under a sanitizer takes several times as long.
#ifdef __SANITIZE_ADDRESS__
constexpr const char* cycles = "100";
#else
constexpr const char* cycles = "500";
#endif

TEST_CASE(
    "a program that is killed again and again loses nothing it acknowledged, and does nothing twice "
    "[F05][F06][F07][F88]",
    "[journal][kill][F05][F06][F07][F88]") {
  const Folder folder;
  const std::string seed = std::to_string(std::random_device{}());
  INFO("seed " << seed);
  const Finished finished = run({THEUS_BINARY_DIR "/bin/kill_loop", (folder.path() / "state").string(), cycles, seed},
                                {.watchdog = std::chrono::seconds{250}});
  WARN(finished.out);
  INFO(finished.err);
  CHECK(finished.exit == 0);
  CHECK(finished.out.find(std::string{"cycles "} + cycles) != std::string::npos);
  CHECK(finished.out.find("lost 0, twice 0") != std::string::npos);
}

}  // namespace
}  // namespace theus::testing
