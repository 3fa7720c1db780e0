#include "runtime/descriptor_passing.hpp"

#include "runtime/attach/packet_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <string_view>

#include <catch2/catch.hpp>

namespace theus {
namespace {

std::span<const std::byte> text(std::string_view words) { return std::as_bytes(std::span{words}); }

std::pair<Descriptor, Descriptor> socket_pair() {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  return {Descriptor{ends[0]}, Descriptor{ends[1]}};
}

/// The number that the next descriptor gets: it grows when one is left open.
int next_number(int any) {
  const int next = ::dup(any);
  ::close(next);
  return next;
}

}  // namespace

TEST_CASE("a packet carries descriptors that are closed on exec", "[descriptor_passing]") {
  auto [left, right] = socket_pair();
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
  auto [left, right] = socket_pair();
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
  auto [left, right] = socket_pair();
  REQUIRE(::fcntl(right.number(), F_SETFL, O_NONBLOCK) == 0);
  CHECK_FALSE(receive_packet(right, 10).value());
  left = Descriptor{};
  CHECK(receive_packet(right, 10).error().code() == Errc::peer_down);
  CHECK(send_packet(right, text("x"), {}).error().code() == Errc::peer_down);
}

TEST_CASE("descriptors come to who expects them, and are dropped elsewhere", "[descriptor_passing]") {
  auto [left, right] = socket_pair();
  const Descriptor file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  const int numbers[] = {file.number(), file.number()};
  PacketSocket sender{std::move(left)};
  PacketSocket receiver{std::move(right)};
  const int before = next_number(file.number());
  std::vector<std::byte> packet;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(sender.send(text("two"), numbers) == PacketSocket::Outcome::done);
    REQUIRE(receiver.receive(packet, 100) == PacketSocket::Outcome::done);
    CHECK(packet.size() == 3);
  }
  CHECK(next_number(file.number()) == before);
  REQUIRE(sender.send(text("two"), numbers) == PacketSocket::Outcome::done);
  std::vector<Descriptor> came;
  REQUIRE(receiver.receive(packet, 100, came) == PacketSocket::Outcome::done);
  CHECK(came.size() == 2);
  CHECK(receiver.receive(packet, 100, came) == PacketSocket::Outcome::would_block);
}

}  // namespace theus
