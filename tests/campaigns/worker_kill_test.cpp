#include "tests/support/worker_campaign.hpp"

#include <catch2/catch.hpp>

namespace theus::testing {

// One section per two hundred, each with a seed of its own: `test_campaigns -c "seed 3"` repeats or resumes at one.
TEST_CASE("two thousand workers killed at random moments lose no acknowledged commit and leave nothing [F01][F02]",
          "[isolated]") {
  for (unsigned seed = 0; seed < 10; ++seed)
    DYNAMIC_SECTION("seed " << seed) {
      const auto result = WorkerCampaign{{THEUS_BINARY_DIR "/bin/theus", "worker", "--module",
                                          THEUS_BINARY_DIR "/lib/test_modules/isolated.so"},
                                         seed}
                              .run(200);
      WARN(result.text());
      CHECK(result.lost + result.twice + result.other == 0);
      CHECK(result.descriptors_left == 0);
      CHECK(result.files_left == 0);
      CHECK(result.children_left == 0);
    }
}

TEST_CASE("a thousand workers killed while they read and build heavy buffers leave none of them [F03]", "[isolated]") {
  for (unsigned seed = 0; seed < 5; ++seed)
    DYNAMIC_SECTION("seed " << seed) {
      const auto result = WorkerCampaign{{THEUS_BINARY_DIR "/bin/theus", "worker", "--module",
                                          THEUS_BINARY_DIR "/lib/test_modules/isolated.so"},
                                         seed,
                                         "refill"}
                              .run(200);
      WARN(result.text());
      CHECK(result.lost + result.twice + result.other == 0);
      CHECK(result.descriptors_left == 0);
      CHECK(result.files_left == 0);
      CHECK(result.children_left == 0);
      CHECK(result.buffers_left == 0);
      CHECK(result.bytes_left == 0);
    }
}

}  // namespace theus::testing
