#include "tests/support/hostile_packets.hpp"

#include <catch2/catch.hpp>

namespace theus::testing {

// One section per ten thousand, each with a seed of its own: `test_campaigns -c "seed 3"` repeats or resumes at one.
TEST_CASE("a hundred thousand hostile packets of peers with a certificate do no harm to others [F46][F110][F120]",
          "[remote]") {
  for (unsigned seed = 0; seed < 10; ++seed)
    DYNAMIC_SECTION("seed " << seed) {
      const auto result = HostilePackets{1000 + seed}.run(10'000);
      WARN(result.text());
      CHECK_FALSE(result.was_honest_lost);
      CHECK(result.buffers_left == 0);
    }
}

}  // namespace theus::testing
