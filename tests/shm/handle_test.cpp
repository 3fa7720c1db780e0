#include "shm/handle.hpp"

#include "tests/support/property.hpp"

#include <random>

namespace theus::shm {

TEST_CASE("a handle survives its way through eight words", "[handle]") {
  testing::holds(1000, [] {
    Handle handle;
    handle.segment = *rc::gen::arbitrary<std::uint32_t>();
    handle.slot = *rc::gen::arbitrary<std::uint16_t>();
    handle.type = static_cast<HeavyType>(*rc::gen::inRange(1, 11));
    handle.flags = *rc::gen::element<std::uint8_t>(0, Handle::in_place);
    handle.lease = lease_word(*rc::gen::inRange<std::uint32_t>(0, blocks_max),
                              *rc::gen::inRange<std::uint64_t>(1, generation_max));
    std::array<std::uint64_t, 4> extents{};
    const auto dimensions = *rc::gen::inRange<std::size_t>(1, 5);
    for (std::size_t i = 0; i < dimensions; ++i)
      extents[i] = *rc::gen::inRange<std::uint64_t>(1, 1000);
    handle.shape = HeavyShape{extents, dimensions};
    handle.bytes = handle.shape.bytes(handle.type).value();
    handle.zone = *rc::gen::arbitrary<std::uint64_t>();
    RC_ASSERT(*decode(encode(handle)) == handle);
  });
}

TEST_CASE("sizes that overflow, empty shapes and extents without a dimension are refused [F46]", "[handle]") {
  const Handle right{
      .segment = 1, .type = HeavyType::f64, .lease = lease_word(3, 4), .bytes = 80, .shape = {10}, .zone = 9};
  REQUIRE(decode(encode(right)));
  const auto refuses = [](const Handle& handle) {
    const auto result = decode(encode(handle));
    return !result && result.error().code() == Errc::bad_handle;
  };
  Handle wrong = right;
  wrong.bytes = 81;
  CHECK(refuses(wrong));
  wrong = right;
  wrong.shape = {std::uint64_t{1} << 61};  // times 8 is 0 in 64 bits
  wrong.bytes = 0;
  CHECK(refuses(wrong));
  wrong = right;
  wrong.lease = lease_word(3, 0);
  CHECK(refuses(wrong));
  wrong = right;
  wrong.type = static_cast<HeavyType>(11);
  CHECK(refuses(wrong));
  wrong = right;
  wrong.flags = 2;
  CHECK(refuses(wrong));
  wrong = right;
  wrong.shape = HeavyShape{{10, 7, 0, 0}, 1};
  CHECK(refuses(wrong));
  wrong = right;
  wrong.shape = HeavyShape{};
  wrong.bytes = 0;
  CHECK(refuses(wrong));
}

TEST_CASE("a shape of more than four extents is no shape", "[handle]") {
  CHECK(HeavyShape({1, 2, 3, 4, 5}).dimensions() == 0);
  CHECK_FALSE(HeavyShape({1, 2, 3, 4, 5}).bytes(HeavyType::u8));
  CHECK(HeavyShape({2, 3}).bytes(HeavyType::f32) == 24U);
}

}  // namespace theus::shm
