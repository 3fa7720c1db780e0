#include "tests/shm/kill_campaign.hpp"

#include <catch2/catch.hpp>

namespace theus {

// One section per thousand, each with a seed of its own: `test_campaigns -c "seed 3"` repeats or resumes at one of
// them.
TEST_CASE("ten thousand consumers killed at random moments leave no lease, no hang and no wrong byte [F04][F49]",
          "[death]") {
  for (unsigned seed = 0; seed < 10; ++seed)
    DYNAMIC_SECTION("seed " << seed) {
      testing::KillCampaign campaign{seed};
      const auto result = campaign.run(1000);
      INFO(result.text());
      CHECK(result.kills == 1000);
      CHECK(result.leaks == 0);
      CHECK(result.wrong == 0);
      CHECK(result.reclaim_p99() < std::chrono::milliseconds{10});
    }
}

}  // namespace theus
