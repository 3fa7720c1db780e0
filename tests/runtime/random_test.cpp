#include <theus/random.hpp>

#include "runtime/philox.hpp"

#include <catch2/catch.hpp>

#include <map>

namespace theus {
namespace {

TEST_CASE("the generator gives the answers that its authors publish", "[random]") {
  // From the known-answer tests of Random123.
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}) == PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream is a function of seed and stream number", "[random]") {
  RandomStream one{7, 1};
  RandomStream again{7, 1};
  RandomStream other{7, 2};
  RandomStream seeded{8, 1};
  int same_as_other = 0;
  int same_as_seeded = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto number = one();
    REQUIRE(again() == number);
    same_as_other += other() == number ? 1 : 0;
    same_as_seeded += seeded() == number ? 1 : 0;
  }
  CHECK(same_as_other == 0);
  CHECK(same_as_seeded == 0);
}

TEST_CASE("numbers between bounds stay there, and each comes about as often", "[random]") {
  RandomStream stream{1, 1};
  std::map<std::int64_t, int> seen;
  for (int i = 0; i < 60'000; ++i)
    ++seen[stream.between(-2, 3)];
  REQUIRE(seen.size() == 6);
  CHECK(seen.begin()->first == -2);
  for (const auto& [number, times] : seen)
    CHECK((times > 9'500 && times < 10'500));  // five standard deviations
  CHECK(stream.between(5, 5) == 5);
  stream.between(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("uniform numbers fill the unit interval evenly", "[random]") {
  RandomStream stream{1, 2};
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double number = stream.uniform();
    REQUIRE((number >= 0 && number < 1));
    sum += number;
  }
  CHECK(sum / 100'000 == Approx(0.5).margin(0.005));
  CHECK_FALSE(stream.chance(0));
  CHECK(stream.chance(1));
}

}  // namespace
}  // namespace theus
