#include "tests/shm/owner_campaign.hpp"

#include <catch2/catch.hpp>

namespace theus::shm {

TEST_CASE(
    "two hundred owners killed at random moments leave no byte, name or descriptor, and readers read on "
    "[F08][F43]",
    "[death]") {
  constexpr unsigned seed = 20'261'128;
  INFO("seed " << seed);
  testing::OwnerCampaign campaign{seed};
  const auto result = campaign.run(200);
  INFO(result.text());
  CHECK(result.kills == 200);
  CHECK(result.taken > 1000);
  CHECK(result.wrong == 0);
  CHECK(result.not_lost == 0);
  CHECK(result.left_names == 0);
  CHECK(result.left_maps == 0);
  CHECK(result.left_descriptors == 0);
}

}  // namespace theus::shm
