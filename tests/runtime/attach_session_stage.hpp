#pragma once

#include "runtime/attach/protocol.hpp"
#include "runtime/attach/session.hpp"
#include "runtime/attach/wire.hpp"
#include "runtime/cbor.hpp"
#include "runtime/commit_turn.hpp"

#include <theus/json.hpp>

#include <catch2/catch.hpp>

namespace theus::testing {

/// A state without an engine around it.
class TurnTarget : public AttachTarget {
public:
  CommitTurn turn;
  std::vector<std::string> reasons;
  bool short_of_memory = false;

  EngineInfo info() const override { return {4711, "shop", "0.1.0", std::chrono::milliseconds{5}, version()}; }
  Version version() const noexcept override { return turn.version(); }
  Snapshot state() const override { return turn.snapshot(); }
  bool is_short_of_memory() const override { return short_of_memory; }
  Result<Version> set(const Path& path, const Value& value, const SetOptions& options) override {
    reasons.push_back(options.reason);
    const Write write = Write::set(path, value);
    return turn.commit({options.expected.value_or(version()), false, {}, std::span{&write, 1}, {}});
  }
  SignalHub hub{16U};
  Result<std::uint64_t> send_signal(std::string_view name, const Value& payload) override {
    return hub.try_send(name, payload);
  }
  Result<SignalReceiver> listen(const ListenOptions& options) override {
    return hub.try_subscribe({.from = SignalStart::last(options.last), .filter = options.filter});
  }
  void commit(std::vector<Write> writes) { turn.commit({version(), false, {}, writes, {}}).value(); }
};

/// An engine's session and its client, with time that stands still until it is moved.
template <class Target>
struct SessionStage {
  template <class... Arguments>
  explicit SessionStage(HeavyInvitation invite, Arguments&&... arguments)
      : target{std::forward<Arguments>(arguments)...},
        sut{target, Handshake{AttachRole::engine, token, Secret::random(), attach_version}, now, std::move(invite)} {}

  Target target;
  Secret token = Secret::random();
  AttachSession::Time now{std::chrono::hours{1}};
  Handshake client{AttachRole::client, token, Secret::random(), attach_version};
  AttachSession sut;
  MessageReader reader{answer_bytes_max};
  std::int64_t id = 0;

  Handshake::Packet next_packet() {
    REQUIRE(sut.has_packet());
    const auto packet = sut.packet();
    Handshake::Packet copy{packet.begin(), packet.end()};
    sut.sent(now);
    return copy;
  }

  void join() {
    sut.receive(client.hello(), now);
    sut.receive(client.receive(next_packet()).answer.value(), now);
    REQUIRE(client.receive(next_packet()).has_joined);
    REQUIRE(sut.has_joined());
  }

  void send(const Value& message) {
    MessageWriter writer;
    for (writer.add(to_cbor(message)); !writer.empty(); writer.sent())
      sut.receive(writer.packet(), now);
  }

  /// The next message of the session, if there is one.
  std::optional<Value> heard() {
    while (sut.has_packet())
      if (auto message = reader.add(next_packet()).value())
        return from_cbor(*message, {.depth_max = message_depth_max}).value();
    return std::nullopt;
  }

  Value answer(std::string_view name, Value request = Value::map()) {
    request.set("id", ++id);
    request.set("do", name);
    send(request);
    const Value message = heard().value();
    CHECK(message["id"] == Value{id});
    return message;
  }
  Value ok(std::string_view name, Value request = Value::map()) {
    const Value message = answer(name, std::move(request));
    INFO(to_json(message));
    REQUIRE(message.contains("ok"));
    return message["ok"];
  }
  Error error(std::string_view name, Value request = Value::map()) {
    const Value message = answer(name, std::move(request));
    REQUIRE(message.contains("error"));
    return error_from_wire(message["error"]);
  }

  std::vector<std::string> changes() {
    sut.look(now);
    std::vector<std::string> lines;
    while (const auto event = heard())
      for (const Difference& each : changes_from_wire(*event).value().diff.entries)
        lines.push_back(to_text(each));
    return lines;
  }
};

struct AttachSessionStage : SessionStage<TurnTarget> {
  explicit AttachSessionStage(HeavyInvitation invite = {}) : SessionStage{std::move(invite)} {}
};

}  // namespace theus::testing
