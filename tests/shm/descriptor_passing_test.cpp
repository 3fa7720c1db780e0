#include "shm/descriptor_passing.hpp"

#include "tests/shm/consumer_process.hpp"

#include <fcntl.h>

#include <catch2/catch.hpp>

namespace theus::shm {
namespace {

std::span<const std::byte> text(std::string_view words) { return std::as_bytes(std::span{words}); }

}  // namespace

TEST_CASE("a packet carries descriptors that are closed on exec", "[descriptor_passing]") {
  auto [left, right] = testing::socket_pair();
  const Descriptor file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  const int numbers[] = {file.number(), file.number()};
  REQUIRE(send_packet(left, text("two"), numbers));
  const auto packet = receive_packet(right, 100).value();
  REQUIRE(packet);
  CHECK(packet->text.size() == 3);
  REQUIRE(packet->descriptors.size() == 2);
  for (const Descriptor& each : packet->descriptors)
    CHECK((::fcntl(each.number(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("packets that do not fit are refused and leave no descriptor behind", "[descriptor_passing]") {
  auto [left, right] = testing::socket_pair();
  const Descriptor file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  const int number = file.number();
  const int next_before = ::dup(number);
  ::close(next_before);
  REQUIRE(send_packet(left, text("too long"), std::span{&number, 1}));
  CHECK(receive_packet(right, 3).error().code() == Errc::too_large);
  const int next_after = ::dup(number);
  ::close(next_after);
  CHECK(next_after == next_before);
  const std::vector<int> many(descriptors_per_packet_max + 1, number);
  CHECK(send_packet(left, text("x"), many).error().code() == Errc::too_large);
  CHECK(send_packet(left, {}, {}).error().code() == Errc::too_large);
}

TEST_CASE("the end of the other side is peer_down, and an empty socket that does not wait is nothing",
          "[descriptor_passing]") {
  auto [left, right] = testing::socket_pair();
  REQUIRE(::fcntl(right.number(), F_SETFL, O_NONBLOCK) == 0);
  CHECK_FALSE(receive_packet(right, 10).value());
  left = Descriptor{};
  CHECK(receive_packet(right, 10).error().code() == Errc::peer_down);
  CHECK(send_packet(right, text("x"), {}).error().code() == Errc::peer_down);
}

}  // namespace theus::shm
