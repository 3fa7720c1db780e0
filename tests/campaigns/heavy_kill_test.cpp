#include "shm/segment_file.hpp"
#include "tests/shm/forged_handles.hpp"
#include "tests/shm/kill_campaign.hpp"
#include "tests/shm/owner_campaign.hpp"

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

TEST_CASE("a thousand owners killed at random moments leave no byte, name or descriptor [F08][F43]", "[death]") {
  for (unsigned seed = 0; seed < 5; ++seed)
    DYNAMIC_SECTION("seed " << seed) {
      testing::OwnerCampaign campaign{seed};
      const auto result = campaign.run(200);
      INFO(result.text());
      CHECK(result.wrong + result.not_lost + result.left_names + result.left_maps == 0);
      CHECK(result.left_descriptors == 0);
    }
}

TEST_CASE("of a million forged handles and a million forged segments none passes, at owner or consumer [F42][F46]",
          "[forged]") {
  constexpr int forgeries = 1'000'000;
  auto arena = shm::Arena::create().value();
  const auto id = arena->admit(shm::this_process()).value();
  auto reader = shm::Reader::attach(arena->table_file().value(), arena->lease_file(id).value()).value();
  { const auto loan = arena->lend(1).value(); }
  reader.attach_segment(1, arena->segment_file(1).value()).value();
  CHECK(testing::forge_handles(*arena, reader, 1, forgeries) == 0);

  // As files, sealed as they must be; a mapping from before goes on writing.
  constexpr std::uint64_t bytes = shm::SegmentHeader::page_bytes * 4;
  const auto file = shm::create_memory_file("forged", bytes).value();
  const auto map = shm::Mapping::map(file, bytes, shm::Mapping::Access::write).value();
  shm::seal_for_readers(file).value();
  shm::SegmentHeader whole = shm::read_header(arena->segment_file(1).value(), shm::SegmentKind::pool).value();
  whole.size = bytes;
  whole.data_bytes = bytes - whole.data_offset;
  whole = shm::sealed(whole);
  std::mt19937_64 random{2};
  int passed = 0;
  for (int i = 0; i < forgeries; ++i) {
    std::memcpy(map.address(), &whole, sizeof whole);
    for (auto flips = 1 + random() % 8; flips > 0; --flips)
      map.address()[random() % offsetof(shm::SegmentHeader, padding)] ^= static_cast<std::byte>(1 + random() % 255);
    const bool is_whole = std::memcmp(map.address(), &whole, sizeof whole) == 0;
    passed += static_cast<int>(!is_whole && reader.attach_segment(1, file).ok());
  }
  CHECK(passed == 0);
  std::memcpy(map.address(), &whole, sizeof whole);
  CHECK(reader.attach_segment(1, file));
}

}  // namespace theus
