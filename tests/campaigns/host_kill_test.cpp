#include "tests/support/host_campaign.hpp"

#include <catch2/catch.hpp>

namespace theus::testing {

// One section per two hundred, each with a seed of its own: `test_campaigns -c "seed 3"` repeats or resumes at one.
TEST_CASE("a thousand hosts killed in the midst of rounds change nothing of the result and leave nothing [F01]",
          "[spawn]") {
  for (unsigned seed = 0; seed < 5; ++seed)
    DYNAMIC_SECTION("seed " << seed) {
      const auto result = HostCampaign{THEUS_BINARY_DIR "/bin/test_spawned", seed}.run(200);
      WARN(result.text());
      CHECK(result.same_digest);
      CHECK(result.refused == 0);
      CHECK(result.steps_wrong == 0);
      CHECK(result.elsewhere > result.rounds / 2);
      CHECK(result.children_left == 0);
    }
}

}  // namespace theus::testing
