#include "runtime/attach/handshake.hpp"

#include <theus/json.hpp>

#include "runtime/attach/protocol.hpp"
#include "runtime/cbor.hpp"
#include "tests/support/property.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

using Packet = Handshake::Packet;
using Reason = AttachRefusal::Reason;

const Secret token = Secret::random();

Handshake engine_side(const Secret& known = token, std::int64_t version = attach_version) {
  return {AttachRole::engine, known, Secret::random(), version};
}
Handshake client_side(const Secret& known = token, std::int64_t version = attach_version) {
  return {AttachRole::client, known, Secret::random(), version};
}

/// What the client sends last, and what the engine makes of it.
struct Course {
  Packet proof;
  Handshake::Step engine;
};

Course course_of(Handshake& engine, Handshake& client) {
  CHECK_FALSE(engine.receive(client.hello()).answer);
  const auto proof = client.receive(engine.hello()).answer.value();
  return {proof, engine.receive(proof)};
}

std::string reason_of(const Handshake::Step& step) {
  REQUIRE(step.refused);
  CHECK(step.refused->code() == Errc::join_refused);
  CHECK_FALSE(step.has_joined);
  return step.refused->field("reason")->get<std::string>().value();
}

}  // namespace

TEST_CASE("two sides that know the same token join", "[attach][handshake]") {
  Handshake engine = engine_side();
  Handshake client = client_side();
  const Course course = course_of(engine, client);
  CHECK(course.engine.has_joined);
  CHECK(client.receive(course.engine.answer.value()).has_joined);
}

TEST_CASE("a client with another token is refused, and told so [F113]", "[attach][handshake][F113]") {
  Handshake engine = engine_side();
  Handshake client = client_side(Secret::random());
  const Course course = course_of(engine, client);
  CHECK(reason_of(course.engine) == "token");
  CHECK(reason_of(client.receive(course.engine.answer.value())) == "token");
}

TEST_CASE("an engine that does not know the token is left by the client [F119]", "[attach][handshake][F119]") {
  Handshake client = client_side();
  Handshake squatter = engine_side(Secret::random());
  const auto proof = client.receive(squatter.hello()).answer;
  CHECK(proof.has_value());
  const Packet forged = to_cbor(Value{{"proof", Value::bytes(Secret::random().bytes())}});
  const auto step = client.receive(forged);
  CHECK(reason_of(step) == "token");
  CHECK_FALSE(step.answer);
}

TEST_CASE("a proof is good for one connection only [F113]", "[attach][handshake][F113]") {
  Handshake first = engine_side();
  Handshake client = client_side();
  const Packet heard = course_of(first, client).proof;

  Handshake second = engine_side();
  CHECK_FALSE(second.receive(client.hello()).refused);
  CHECK(reason_of(second.receive(heard)) == "token");
}

TEST_CASE("nobody can send back the proof that it heard [F113]", "[attach][handshake][F113]") {
  Handshake client = client_side();
  Handshake mirror = engine_side(Secret::random());
  const Packet own_proof = client.receive(mirror.hello()).answer.value();
  CHECK(reason_of(client.receive(own_proof)) == "token");

  CHECK_FALSE(proof_of(token, AttachRole::engine, token, token) == proof_of(token, AttachRole::client, token, token));
  const Secret a = Secret::random();
  const Secret b = Secret::random();
  CHECK_FALSE(proof_of(token, AttachRole::engine, a, b) == proof_of(token, AttachRole::engine, b, a));
}

TEST_CASE("versions are compared before anything else", "[attach][handshake]") {
  Handshake engine = engine_side(token, 1);
  Handshake newer = client_side(token, 2);
  const auto step = engine.receive(newer.hello());
  CHECK(reason_of(step) == "version");
  CHECK(*step.refused->field("ours") == Value{1});
  CHECK(*step.refused->field("theirs") == Value{2});

  const auto told = newer.receive(step.answer.value());
  CHECK(reason_of(told) == "version");
  CHECK(*told.refused->field("ours") == Value{2});
  CHECK(reason_of(newer.receive(engine.hello())) == "version");

  // Whatever else a later version says at once.
  const Value later{{"theus", 7}, {"nonce", "of another kind"}, {"more", Value::list({1, 2})}};
  CHECK(reason_of(engine_side().receive(to_cbor(later))) == "version");
}

TEST_CASE("another user is refused, root included [F112]", "[attach][handshake][F112]") {
  CHECK_FALSE(check_uid(1000, 1000));
  for (const std::uint32_t other : {0U, 1001U, UINT32_MAX}) {
    const auto refusal = check_uid(1000, other);
    REQUIRE(refusal);
    CHECK(refusal->reason == Reason::uid);
    const Error error = refusal->error();
    CHECK(error.code() == Errc::join_refused);
    CHECK(*error.field("ours") == Value{1000});
    CHECK(*error.field("theirs") == Value{other});
  }
}

TEST_CASE("what is no handshake ends it", "[attach][handshake]") {
  const Value unfit[] = {1,
                         Value::map(),
                         Value{{"theus", "1"}},
                         Value{{"theus", attach_version}},
                         Value{{"theus", attach_version}, {"nonce", Value::bytes({})}},
                         Value{{"proof", Value::bytes(token.bytes())}},
                         Value{{"refused", "token"}}};
  for (const Value& message : unfit) {
    const auto step = engine_side().receive(to_cbor(message));
    INFO(to_json(message));
    CHECK(step.refused);
    CHECK_FALSE(step.has_joined);
    CHECK_FALSE(step.answer);
  }
  const auto step = engine_side().receive(Packet(handshake_bytes_max + 1));
  CHECK(step.refused);
}

TEST_CASE("random packets never join", "[attach][handshake][property]") {
  testing::holds(500, [](const std::vector<std::vector<std::uint8_t>>& packets) {
    Handshake sut = engine_side();
    for (const auto& packet : packets) {
      const auto step = sut.receive(std::as_bytes(std::span{packet}));
      RC_ASSERT(!step.has_joined);
      if (step.refused)
        break;
    }
  });
}

TEST_CASE("a token survives its file", "[attach][handshake]") {
  CHECK(Secret::parse(token.text() + "\n") == token);
  CHECK(Secret::parse(token.text()) == token);
  CHECK_FALSE(Secret::parse(token.text().substr(1)));
  CHECK_FALSE(Secret::parse(token.text() + "00"));
  CHECK_FALSE(Secret::parse(""));
  CHECK_FALSE(Secret::random() == Secret::random());
}

}  // namespace theus
