#include "tests/support/old_snapshot.hpp"

#include <catch2/catch.hpp>

namespace theus {

TEST_CASE("one old snapshot keeps its own version's memory, however much is committed, and gives it back",
          "[snapshot]") {
  testing::check_memory_kept_for_one_snapshot(50'000);
}

}  // namespace theus
