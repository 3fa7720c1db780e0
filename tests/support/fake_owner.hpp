#pragma once

// An owner of the state that says what a test wants it to say: it lets one engine join as a true one would, and from
// then on the messages of join_wire.hpp are the test's own.

#include "runtime/attach/engine_entry.hpp"
#include "runtime/attach/follower.hpp"
#include "runtime/attach/framing.hpp"
#include "runtime/attach/handshake.hpp"
#include "runtime/attach/protocol.hpp"
#include "runtime/attach/wire.hpp"
#include "runtime/cbor.hpp"
#include "tests/support/folder.hpp"

#include <theus/engine.hpp>

#include <catch2/catch.hpp>

#include <poll.h>
#include <future>
#include <optional>

namespace theus::testing {

/// Belongs to one thread.
class FakeOwner {
public:
  using Message = std::vector<std::byte>;

  std::string handle() const { return entry_.handle(); }

  /// An engine that has joined, at version 1 with `domain.count` = 0.
  Engine join() {
    auto joined =
        std::async(std::launch::async, [this] { return Engine::from_handle(handle(), {.threads = 1}).value(); });
    accept();
    return joined.get();
  }
  /// The same for one that joins, or joins over again, by itself; without a state it goes on from its own.
  void accept(bool with_state = true) {
    while (true) {
      wait(entry_.listener().number(), POLLIN);
      if (auto socket = entry_.listener().accept()) {
        socket_.emplace(*std::move(socket));
        break;
      }
    }
    reader_ = MessageReader{feed_bytes_max};
    shake_hands();
    follow();
    say(with_state ? state(1, {{"domain.count", 0}}) : message_of(ToJoined::alive));
  }
  void hang_up() { socket_.reset(); }

  void say(Message message) {
    MessageWriter writer;
    for (writer.add(std::move(message)); !writer.empty();) {
      const auto outcome = socket_->send(writer.packet());
      if (outcome == PacketSocket::Outcome::done)
        writer.sent();
      else if (outcome == PacketSocket::Outcome::gone)
        return;
      else
        wait(socket_->number(), POLLOUT);
    }
  }
  /// What the engine says next besides that it is alive, with its kind taken off; nothing: it has hung up.
  std::optional<std::pair<ToOwner, Message>> hear() {
    while (auto message = next()) {
      CborCursor in{*message};
      const auto kind = static_cast<ToOwner>(in.number());
      if (kind != ToOwner::alive)
        return std::pair{kind, Message{message->begin() + static_cast<std::ptrdiff_t>(in.offset()), message->end()}};
    }
    return std::nullopt;
  }
  /// Whether it says nothing but that it is alive, so many times.
  bool hears_nothing(int times) {
    for (int i = 0; i < times; ++i) {
      const auto message = next();
      if (!message || *message != message_of(ToOwner::alive))
        return false;
    }
    return true;
  }

  static Message state(Version version, const std::vector<std::pair<std::string, Value>>& values) {
    Message message = message_of(ToJoined::state);
    append_cbor_number(message, version);
    append_cbor_number(message, 1);
    for (const auto& [path, value] : values) {
      append_cbor_text(message, path);
      append_cbor(message, value);
    }
    return message;
  }
  /// Commits from that version on, each of which sets `domain.count` to its version.
  static Message commits(Version first, std::uint64_t count) {
    Message message = message_of(ToJoined::commits);
    append_cbor_number(message, first);
    append_cbor_number(message, count);
    for (Version version = first; version < first + count; ++version)
      append_writes(message, std::vector{Write::set("domain.count", static_cast<std::int64_t>(version))});
    return message;
  }

  static constexpr const char* epoch = "the fake epoch";

private:
  static void wait(int descriptor, short events) {
    pollfd waiting{descriptor, events, 0};
    REQUIRE(::poll(&waiting, 1, 60'000) > 0);
  }
  /// The next packet; says that this side is alive while there is none.
  bool receive(Message& packet) {
    while (true) {
      const auto outcome = socket_->receive(packet, packet_bytes_max);
      if (outcome != PacketSocket::Outcome::would_block)
        return outcome == PacketSocket::Outcome::done;
      pollfd waiting{socket_->number(), POLLIN, 0};
      if (::poll(&waiting, 1, static_cast<int>(alive_interval.count())) == 0 && has_followed_)
        say(message_of(ToJoined::alive));
    }
  }
  std::optional<Message> next() {
    Message packet;
    while (receive(packet))
      if (auto message = reader_.add(packet).value())
        return message;
    return std::nullopt;
  }
  void shake_hands() {
    has_followed_ = false;
    Handshake handshake{AttachRole::engine, entry_.token(), Secret::random(), attach_version};
    REQUIRE(socket_->send(handshake.hello()) == PacketSocket::Outcome::done);
    for (bool has_joined = false; !has_joined;) {
      Message packet;
      REQUIRE(receive(packet));
      auto step = handshake.receive(packet);
      REQUIRE_FALSE(step.refused);
      if (step.answer)
        REQUIRE(socket_->send(*step.answer) == PacketSocket::Outcome::done);
      has_joined = step.has_joined;
    }
  }
  void follow() {
    const Value request = from_cbor(next().value()).value();
    REQUIRE(request["do"] == Value{"follow"});
    say(to_cbor({{"id", request["id"]},
                 {"ok", Value{{"history", "the fake history"},
                              {"epoch", epoch},
                              {"access", to_wire(access)},
                              {"seed", 5},
                              {"origin", 3},
                              {"records_causes", true}}}}));
    has_followed_ = true;
  }

  Folder folder_;
  EngineEntry entry_ = EngineEntry::make(folder_.path() / ".theus").value();
  std::optional<PacketSocket> socket_;
  MessageReader reader_{feed_bytes_max};
  bool has_followed_ = false;

public:
  AccessOptions access{};
};

}  // namespace theus::testing
