#include "runtime/attach/session.hpp"

#include "runtime/access.hpp"
#include "runtime/attach/protocol.hpp"
#include "runtime/attach/wire.hpp"
#include "runtime/cbor.hpp"
#include "runtime/commit_turn.hpp"
#include "tests/runtime/attach_session_stage.hpp"
#include "tests/support/property.hpp"
#include "tests/support/random_writes.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

using namespace std::chrono_literals;
using Time = AttachSession::Time;

using Stage = testing::AttachSessionStage;
using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a session answers what stands at a path, and what the engine is", "[attach][session]") {
  Stage stage;
  stage.join();
  stage.target.commit({{"domain.a", 1}});
  CHECK(stage.ok("get", {{"path", to_wire(Path{"domain"})}}) == Value{{"value", Value{{"a", 1}}}, {"version", 1}});
  CHECK(stage.ok("get", {{"path", to_wire(Path{"domain.b"})}}) == Value{{"version", 1}});
  const EngineInfo info = info_from_wire(stage.ok("info")).value();
  CHECK(info.pid == 4711);
  CHECK(info.program == "shop");
  CHECK(info.version == 1);
}

TEST_CASE("a session sets a path, with a reason and perhaps an expected version", "[attach][session]") {
  Stage stage;
  stage.join();
  const Value path = to_wire(Path{"domain.a"});
  CHECK(stage.ok("set", {{"path", path}, {"value", nullptr}, {"reason", "why"}}) == Value{{"version", 1}});
  CHECK(stage.target.reasons == Lines{"why"});
  stage.target.commit({{"domain.a", 2}});
  const Error stale = stage.error("set", {{"path", path}, {"value", 3}, {"expected", 1}, {"reason", ""}});
  CHECK(stale.code() == Errc::version_mismatch);
  CHECK(*stale.field("expected") == Value{1});
  CHECK(stage.target.state().get<int>("domain.a").value() == 2);
  CHECK(stage.error("set", {{"path", path}, {"value", 3}}).code() == Errc::bad_argument);
  CHECK(stage.error("set", {{"path", path}, {"value", 1}, {"reason", std::string(1025, 'x')}}).code() ==
        Errc::bad_argument);
}

TEST_CASE("a watch tells each change of its paths once", "[attach][session]") {
  Stage stage;
  stage.join();
  stage.target.commit({{"domain.a", 1}, {"domain.b", 1}});
  CHECK(stage.ok("watch", {{"paths", to_wire(std::vector<Path>{"domain.a", "domain", "domain.b"})}}) ==
        Value{{"version", 1}});
  CHECK(stage.changes() == Lines{});
  stage.target.commit({{"domain.a", 2}});
  stage.now += 10ms;
  CHECK(stage.changes() == Lines{"~ domain.a: 1 -> 2"});
  stage.target.commit({{"elsewhere", 2}});
  stage.target.commit({{"domain.b", 2}});
  stage.target.commit({{"domain.b", 3}});
  CHECK(stage.changes() == Lines{});  // too soon
  stage.now += 10ms;
  CHECK(stage.changes() == Lines{"~ domain.b: 1 -> 3"});
  CHECK(stage.error("watch", {{"paths", to_wire(std::vector<Path>{"domain"})}}).code() == Errc::bad_argument);
}

TEST_CASE("a watch since an earlier version tells first what has changed since", "[attach][session]") {
  Stage stage;
  stage.join();
  stage.target.commit({{"domain.a", 1}, {"domain.b", 1}, {"domain.c", 1}});
  stage.target.commit({{"domain.a", 2}});
  stage.target.commit({Write::erase("domain.c")});
  const std::vector<Path> paths{"domain.a", "domain.b", "domain.c"};
  CHECK(stage.error("watch", {{"paths", to_wire(paths)}, {"since", 4}}).code() == Errc::bad_argument);
  CHECK(stage.ok("watch", {{"paths", to_wire(paths)}, {"since", 1}}) == Value{{"version", 1}});
  stage.target.commit({{"domain.b", 2}});
  CHECK(stage.changes() == Lines{"~ domain.a: null -> 2", "- domain.c"});
  stage.now += 10ms;
  CHECK(stage.changes() == Lines{"~ domain.b: 1 -> 2"});
}

TEST_CASE("a slow watcher gets one event for all it missed, and no old states are kept for it", "[attach][session]") {
  Stage stage;
  stage.join();
  stage.ok("watch", {{"paths", to_wire(std::vector<Path>{""})}});
  stage.target.commit({{"domain.a", 1}});
  stage.now += 10ms;
  stage.sut.look(stage.now);  // an event waits to be sent
  for (int i = 2; i <= 100; ++i) {
    stage.target.commit({{"domain.a", i}});
    stage.now += 10ms;
    stage.sut.look(stage.now);
  }
  CHECK_FALSE(stage.sut.wants_packets());
  const auto first = changes_from_wire(stage.heard().value()).value();
  CHECK(first.version == 1);
  CHECK_FALSE(stage.sut.has_packet());
  stage.sut.look(stage.now);
  const auto rest = changes_from_wire(stage.heard().value()).value();
  CHECK(rest.since == 1);
  CHECK(rest.version == 100);
  CHECK(to_text(rest.diff.entries.at(0)) == "~ domain.a: 1 -> 100");
}

TEST_CASE("a mark is what changes are told against", "[attach][session]") {
  Stage stage;
  stage.join();
  const Value everything{{"paths", to_wire(std::vector<Path>{""})}, {"entries_max", 1}};
  CHECK(stage.error("changes", everything).code() == Errc::bad_argument);
  stage.target.commit({{"domain.a", 1}, {"domain.b", 1}});
  CHECK(stage.ok("mark") == Value{{"version", 1}});
  stage.target.commit({{"domain.a", 2}, {"domain.b", 2}});
  const auto changes = changes_from_wire(stage.ok("changes", everything)).value();
  CHECK(changes.since == 1);
  CHECK(changes.version == 2);
  CHECK(changes.diff.entries.size() == 1);
  CHECK(changes.diff.omitted == 1);
}

TEST_CASE("a mark is given up before it harms the engine", "[attach][session]") {
  Stage stage;
  stage.join();
  stage.ok("mark");
  CHECK(stage.sut.look_at() <= stage.now + AttachSession::memory_look_interval);
  stage.target.commit({{"domain.a", 1}});
  stage.target.short_of_memory = true;
  stage.now += AttachSession::memory_look_interval;
  stage.sut.look(stage.now);
  CHECK(stage.target.turn.statistics().retained_versions == 0);
  const Value everything{{"paths", to_wire(std::vector<Path>{""})}, {"entries_max", 9}};
  CHECK(stage.error("changes", everything).code() == Errc::resource_exhausted);
  stage.target.short_of_memory = false;
  stage.ok("mark");
  CHECK(changes_from_wire(stage.ok("changes", everything)).value().diff.empty());
}

TEST_CASE("values too large for a message are named, not sent", "[attach][session]") {
  Stage stage;
  stage.join();
  stage.ok("mark");
  stage.target.commit({{"domain.large", std::string(answer_bytes_max, 'x')}});
  const Error refused = stage.error("get", {{"path", to_wire(Path{"domain"})}});
  CHECK(refused.code() == Errc::too_large);
  const Value changed =
      stage.ok("changes", {{"paths", to_wire(std::vector<Path>{"domain.large"})}, {"entries_max", 9}});
  const auto entry = changes_from_wire(changed).value().diff.entries.at(0);
  CHECK(entry.after["$omitted"].as_int() > static_cast<std::int64_t>(answer_bytes_max));
}

TEST_CASE("a state as deep as it may be passes both ways", "[attach][session]") {
  Stage stage;
  stage.join();
  Value deep = 1;
  for (int i = 0; i < 63; ++i)
    deep = Value::list({deep});
  CHECK(stage.ok("set", {{"path", to_wire(Path{"a"})}, {"value", deep}, {"reason", ""}}) == Value{{"version", 1}});
  CHECK(stage.ok("get", {{"path", Value::list()}})["value"]["a"] == deep);
}

TEST_CASE("what asks for nothing known is answered by an error", "[attach][session]") {
  Stage stage;
  stage.join();
  const Error unknown = stage.error("gett");
  CHECK(unknown.code() == Errc::unsupported);
  CHECK(unknown.remedy() == "Did you mean 'get'?");
  CHECK(stage.error("get", {{"path", Value::list()}, {"pth", 1}}).code() == Errc::bad_argument);
  CHECK_FALSE(stage.sut.is_over());
  const Value no_paths[] = {nullptr,           "domain",          Value::list({-1}),
                            Value::list({0}),  Value::list({""}), Value::list({"a\n"}),
                            Value::list({1.5})};
  for (const Value& path : no_paths)
    CHECK(stage.answer("get", {{"path", path}}).contains("error"));
}

TEST_CASE("what the private zone hides is refused, or left out", "[attach][session]") {
  Stage stage;
  stage.join();
  stage.ok("mark");
  stage.ok("watch", {{"paths", to_wire(std::vector<Path>{""})}});
  Standing admin;
  admin.is_elevated = true;
  const Write writes[] = {{"domain", Value{{"a", 1}, {"internal_b", 2}}}, {"internal_c", 3}};
  REQUIRE(stage.target.turn.commit({.writes = writes, .standing = &admin}).ok());
  const Value hidden = to_wire(Path{"domain.internal_b"});
  CHECK(stage.error("get", {{"path", hidden}}).code() == Errc::contract_violation);
  CHECK(stage.error("changes", {{"paths", Value::list({hidden})}, {"entries_max", 9}}).code() ==
        Errc::contract_violation);
  CHECK(stage.ok("get", {{"path", Value::list()}})["value"] == Value{{"domain", Value{{"a", 1}}}});
  CHECK(stage.changes() == Lines{"+ domain = {\"a\":1}"});
}

TEST_CASE("each request of the table is known by its name and its fields", "[attach][session]") {
  for (const AttachRequest& row : attach_requests()) {
    Stage stage;
    stage.join();
    Value full = Value::map();
    for (const std::string_view field : row.fields)
      full.set(field, nullptr);
    const Value answer = stage.answer(row.name, full);
    if (row.name != "follow")  // this stage lets nobody
      CHECK_FALSE(answer["error"]["code"] == Value{static_cast<int>(Errc::unsupported)});
    CHECK(to_json(answer).find("has no field") == std::string::npos);
  }
}

TEST_CASE("a client that does not finish joining, or stalls, is dropped in time [F111]", "[attach][session][F111]") {
  Stage silent;
  CHECK(silent.sut.look_at() == silent.now + handshake_timeout);
  silent.now += handshake_timeout - 1ms;
  silent.sut.look(silent.now);
  CHECK_FALSE(silent.sut.is_over());
  silent.sut.receive(silent.client.hello(), silent.now);  // a packet does not buy time
  silent.now += 1ms;
  silent.sut.look(silent.now);
  CHECK(silent.sut.is_over());

  Stage half;
  half.join();
  CHECK(half.sut.look_at() == Time::max());
  half.sut.receive(Handshake::Packet(packet_bytes_max), half.now);
  half.now += stall_timeout;
  half.sut.look(half.now);
  CHECK(half.sut.is_over());

  Stage deaf;
  deaf.join();
  deaf.send({{"id", 1}, {"do", "info"}});
  CHECK_FALSE(deaf.sut.wants_packets());
  deaf.now += stall_timeout;
  deaf.sut.look(deaf.now);
  CHECK(deaf.sut.is_over());
}

TEST_CASE("nothing but a handshake is heard before joining [F113]", "[attach][session][F113]") {
  Stage stage;
  stage.target.commit({{"domain.secret", 1}});
  stage.next_packet();
  stage.send({{"id", 1}, {"do", "get"}, {"path", Value::list()}});
  CHECK(stage.sut.is_over());
  CHECK_FALSE(stage.sut.has_packet());
}

TEST_CASE("an engine that closes tells the last changes first", "[attach][session]") {
  Stage stage;
  stage.join();
  stage.ok("watch", {{"paths", to_wire(std::vector<Path>{""})}});
  stage.target.commit({{"domain.a", 1}});
  stage.sut.close(stage.now);
  CHECK(changes_from_wire(stage.heard().value()).value().version == 1);
  CHECK(stage.heard() == Value{{"event", "closing"}});
  CHECK(stage.sut.is_over());
}

TEST_CASE("random packets are refused or answered, and never more [F111]", "[attach][session][property][F111]") {
  testing::holds(300, [] {
    Stage stage;
    if (*rc::gen::arbitrary<bool>())
      stage.join();
    const auto packets =
        *rc::gen::container<std::vector<std::vector<std::uint8_t>>>(rc::gen::container<std::vector<std::uint8_t>>(
            rc::gen::element<std::uint8_t>(0, 1, 2, 0x61, 0xa1, 0xa2, 0xf6, 0xff)));
    for (const auto& packet : packets) {
      stage.sut.receive(std::as_bytes(std::span{packet}), stage.now);
      while (stage.sut.has_packet())
        stage.next_packet();
    }
    RC_ASSERT(stage.target.version() == 0U);
  });
}

TEST_CASE("random requests are answered or end the session, with the state whole", "[attach][session][property]") {
  testing::holds(300, [] {
    Stage stage;
    stage.join();
    const auto fields = {"id", "do", "path", "paths", "value", "since", "expected", "reason", "entries_max"};
    const int requests = *rc::gen::inRange(1, 12);
    for (int i = 0; i < requests && !stage.sut.is_over(); ++i) {
      Value request{{"id", i},
                    {"do", *rc::gen::element<std::string>("info", "get", "set", "watch", "mark", "changes")}};
      for (const char* field : fields)
        if (*rc::gen::inRange(0, 3) == 0)
          request.set(field, *rc::gen::oneOf(testing::value(2), rc::gen::map(testing::path(), [](const Path& path) {
                                               return to_wire(path);
                                             })));
      stage.send(request);
      stage.now += 20ms;
      stage.sut.look(stage.now);
      while (stage.sut.has_packet())
        stage.next_packet();
    }
    RC_ASSERT(stage.target.state().find("").has_value());
  });
}

}  // namespace theus
