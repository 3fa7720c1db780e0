#include "tests/support/join_campaign.hpp"

#include <catch2/catch.hpp>

namespace theus::testing {

// One section per two hundred, each with a seed of its own: `test_campaigns -c "seed 3"` repeats or resumes at one.
TEST_CASE("two thousand joined processes killed while they commit lose nothing and leave nothing [F01][F02][F04]",
          "[join]") {
  for (unsigned seed = 0; seed < 10; ++seed)
    DYNAMIC_SECTION("seed " << seed) {
      const auto result = JoinerCampaign{seed}.run(200);
      WARN(result.text());
      CHECK(result.wrong() == 0);
      CHECK(result.left() == 0);
    }
}

TEST_CASE("a thousand owners killed while two processes commit lose nothing and leave nothing [F06][F08]", "[join]") {
  for (unsigned seed = 0; seed < 5; ++seed)
    DYNAMIC_SECTION("seed " << seed) {
      const auto result = JoinOwnerCampaign{seed}.run(200);
      WARN(result.text());
      CHECK(result.wrong() == 0);
      CHECK(result.left() == 0);
    }
}

}  // namespace theus::testing
