#include "runtime/attach/framing.hpp"

#include "runtime/attach/protocol.hpp"
#include "tests/support/property.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

using Bytes = std::vector<std::byte>;

Bytes packet(unsigned marker, std::size_t content) {
  Bytes bytes(1 + content, std::byte{7});
  bytes[0] = static_cast<std::byte>(marker);
  return bytes;
}

}  // namespace

TEST_CASE("messages of every size arrive as they were sent", "[attach][framing]") {
  constexpr std::size_t limit = 4 * packet_bytes_max;
  MessageWriter writer;
  std::vector<Bytes> sent;
  for (const std::size_t size : {std::size_t{1}, std::size_t{100}, packet_bytes_max - 2, packet_bytes_max - 1,
                                 packet_bytes_max, 2 * (packet_bytes_max - 1), limit}) {
    Bytes message(size);
    for (std::size_t i = 0; i < size; ++i)
      message[i] = static_cast<std::byte>(i * 31 + size);
    sent.push_back(message);
    writer.add(message);
  }
  MessageReader reader{limit};
  std::vector<Bytes> received;
  for (; !writer.empty(); writer.sent()) {
    REQUIRE(writer.packet().size() <= packet_bytes_max);
    auto message = reader.add(writer.packet());
    REQUIRE(message.ok());
    if (*message)
      received.push_back(**message);
  }
  CHECK(received == sent);
  CHECK_FALSE(reader.has_begun());
}

TEST_CASE("a message over the limit is refused before it is held", "[attach][framing]") {
  MessageReader reader{packet_bytes_max};
  CHECK(reader.add(packet(0, packet_bytes_max - 1)).ok());
  CHECK(reader.has_begun());
  CHECK(reader.add(packet(1, 2)).error().code() == Errc::too_large);
}

TEST_CASE("what is no packet is refused", "[attach][framing]") {
  const Bytes unfit[] = {{},
                         packet(1, 0),
                         packet(0, 0),
                         packet(2, 5),
                         packet(255, packet_bytes_max - 1),
                         packet(0, 100),
                         packet(1, packet_bytes_max)};
  for (const Bytes& each : unfit) {
    MessageReader reader{request_bytes_max};
    CHECK(reader.add(each).error().code() == Errc::bad_input);
  }
}

}  // namespace theus
