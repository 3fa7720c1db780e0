#include "tests/support/join_campaign.hpp"

#include <catch2/catch.hpp>

namespace theus::testing {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr int kills = 15;
#else
constexpr int kills = 200;
#endif

void check(const JoinCampaignResult& result) {
  WARN(result.text());
  CHECK(result.kills == kills);
  CHECK(result.acknowledged > kills);
  CHECK(result.wrong() == 0);
  CHECK(result.left() == 0);
}

}  // namespace

TEST_CASE(
    "joined processes killed at random moments of their commits lose none, double none and leave nothing "
    "[F01][F02][F04]",
    "[join][kill]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  check(JoinerCampaign{seed}.run(kills));
}

TEST_CASE(
    "owners killed at random moments are joined again by processes that lose no commit and leave nothing "
    "[F06][F08]",
    "[join][kill]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  check(JoinOwnerCampaign{seed}.run(kills));
}

}  // namespace theus::testing
