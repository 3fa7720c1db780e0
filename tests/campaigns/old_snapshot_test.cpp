#include "tests/support/old_snapshot.hpp"

#include <catch2/catch.hpp>

namespace theus {

TEST_CASE("one old snapshot keeps its own version's memory over a million commits", "[snapshot]") {
  testing::check_memory_kept_for_one_snapshot(1'000'000);
}

}  // namespace theus
