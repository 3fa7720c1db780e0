// The owner's side of a joined process, without sockets: what it says is applied to a turn that follows.

#include "runtime/attach/follower.hpp"
#include "runtime/attach/protocol.hpp"
#include "runtime/attach/wire.hpp"
#include "runtime/snapshot_access.hpp"
#include "tests/support/join_stage.hpp"
#include "tests/support/property.hpp"
#include "tests/support/random_writes.hpp"

#include <catch2/catch.hpp>

#include <sys/eventfd.h>
#include <random>

namespace theus {
namespace {

using namespace std::chrono_literals;
using testing::JoinStage;

}  // namespace

TEST_CASE("a proposal crosses as it is", "[join]") {
  const std::vector<Path> reads{"domain.a", "domain['odd key'][3]"};
  const std::vector<Write> writes{Write::set("meta.x", 1), Write::splice("domain.list", 1, 2, Value::list({4}))};
  const std::vector<Signal> signals{{"done", {{"n", 1}}}};
  const Standing standing{.is_elevated = true, .grants = {"global"}};
  const Request request{"id", 77, "value"};
  const AuditEntry audit{.kind = AuditEntry::Kind::edit, .who = "transaction", .reason = "by hand"};
  const Cause cause{.kind = Cause::Kind::external, .name = "x", .time = system_clock().wall()};
  std::vector<std::byte> bytes;
  append_proposal(bytes,
                  {.base = 9,
                   .strict = true,
                   .reads = reads,
                   .writes = writes,
                   .signals = signals,
                   .standing = &standing,
                   .request = &request,
                   .audit = &audit},
                  cause);
  CborCursor in{bytes};
  PathCache paths;
  const Submission read = read_submission(in, paths);
  REQUIRE(in.failure() == nullptr);
  CHECK(in.is_at_end());
  CHECK(read.proposal.base == 9);
  CHECK(read.proposal.strict);
  CHECK(read.proposal.reads == reads);
  REQUIRE(read.proposal.writes.size() == 2);
  CHECK(read.proposal.writes[0].path == Path{"meta.x"});
  CHECK(read.proposal.writes[1].removed == 2);
  CHECK(read.proposal.signals[0].payload == Value{{"n", 1}});
  CHECK(read.proposal.standing == standing);
  CHECK(read.proposal.request->fingerprint == 77);
  CHECK(read.audit->reason == "by hand");
  CHECK(read.cause == cause);
}

TEST_CASE("any proposal crosses as it is", "[join]") {
  testing::holds(200, [] {
    const auto writes = *rc::gen::container<std::vector<Write>>(testing::meeting_write());
    const auto reads = *rc::gen::container<std::vector<Path>>(testing::meeting_path());
    std::vector<std::byte> bytes;
    append_proposal(bytes, {.base = 5, .reads = reads, .writes = writes}, {});
    CborCursor in{bytes};
    PathCache paths;
    const Submission read = read_submission(in, paths);
    RC_ASSERT(in.failure() == nullptr);
    RC_ASSERT(read.proposal.reads == reads);
    RC_ASSERT(read.proposal.writes.size() == writes.size());
    for (std::size_t i = 0; i < writes.size(); ++i) {
      RC_ASSERT(read.proposal.writes[i].path == writes[i].path);
      RC_ASSERT(read.proposal.writes[i].kind == writes[i].kind);
      if (writes[i].kind != Write::Kind::erase)
        RC_ASSERT(read.proposal.writes[i].value == writes[i].value);
    }
  });
}

TEST_CASE("a joined process gets the state and then every commit, meta zone included", "[join]") {
  JoinStage stage;
  stage.commit({Write::set("domain.x", 1), Write::set("meta.note", "kept")});
  Follower sut{stage.terms, 0, false, false, stage.now};
  stage.hear(sut);
  CHECK(stage.states == 1);
  CHECK(stage.whole(stage.follower) == stage.whole(stage.turn));
  stage.commit({Write::set("domain.x", 2), Write::append("meta.list", 1)});
  stage.hear(sut);
  CHECK(stage.states == 1);
  CHECK(stage.whole(stage.follower) == stage.whole(stage.turn));
}

TEST_CASE("an answer comes after the commit that it tells of", "[join]") {
  JoinStage stage;
  stage.commit({Write::set("domain.x", 1)});
  Follower sut{stage.terms, 0, false, false, stage.now};
  const std::vector<Write> writes{Write::set("domain.x", 2)};
  sut.receive(stage.submission({.base = 1, .writes = writes}, 7), stage.now).value();
  stage.hear(sut);
  REQUIRE(stage.answers.size() == 1);
  CHECK(stage.answers[0].number == 7);
  CHECK((*stage.answers[0].outcome)->version == 2);
  CHECK(stage.follower.version() == 2);
  // What stood on an old state is refused as anybody's would be, with the field that says what is there.
  sut.receive(stage.submission({.base = 1, .writes = writes}, 8), stage.now).value();
  stage.hear(sut);
  REQUIRE(stage.answers.size() == 2);
  CHECK(stage.answers[1].outcome.error().code() == Errc::version_mismatch);
  CHECK(*stage.answers[1].outcome.error().field("current") == Value{2});
}

TEST_CASE("what was meant for another run of the owner is refused [F08][F117]", "[join]") {
  JoinStage stage;
  Follower sut{stage.terms, 0, false, false, stage.now};
  const std::vector<Write> writes{Write::set("domain.x", 2)};
  const auto refused = sut.receive(stage.submission({.writes = writes}, 1, "an earlier epoch"), stage.now);
  CHECK(refused.error().code() == Errc::stale_epoch);
  CHECK(stage.turn.version() == 0);
}

TEST_CASE("what a process had sent by its lane when it was killed is published [F01]", "[join]") {
  JoinStage stage;
  auto sut = std::make_optional<Follower>(stage.terms, 0, false, true, stage.now);
  auto names = message_of(ToOwner::names);
  append_cbor_number(names, 1);
  append_cbor_text(names, "tick");
  sut->receive(names, stage.now).value();
  LaneWriter lane = LaneWriter::open(sut->signals().descriptors()[1]).value();
  lane.put({.word = SignalHead{.topic = 1, .form = PayloadForm::bytes, .bytes = 3}.word(), .payload = {}});
  sut.reset();
  CHECK(stage.hub.statistics().published == 1);
}

TEST_CASE("a joined process cannot give itself more rights than the owner allows [F118]", "[join]") {
  JoinStage stage;
  Follower sut{stage.terms, 0, false, false, stage.now};
  const Standing admin{.is_elevated = true};
  const Standing starting{.is_starting = true};
  const std::vector<Write> data{Write::set("domain.x", 2)};
  const std::vector<Write> constant{Write::set("domain.const_x", 2)};
  sut.receive(stage.submission({.writes = data, .standing = &admin}, 1), stage.now).value();
  sut.receive(stage.submission({.writes = constant, .standing = &starting}, 2), stage.now).value();
  stage.hear(sut);
  REQUIRE(stage.answers.size() == 2);
  CHECK(stage.answers[0].outcome.error().code() == Errc::contract_violation);
  CHECK(stage.answers[1].outcome.error().code() == Errc::contract_violation);
  CHECK(stage.turn.version() == 0);
}

TEST_CASE("what a joined process has reserved is kept free for it until it lets go or ends", "[join]") {
  JoinStage stage;
  auto sut = std::make_optional<Follower>(stage.terms, 0, false, false, stage.now);
  auto reserve = message_of(ToOwner::reserve);
  append_cbor_number(reserve, 5);
  append_cbor_number(reserve, 1000);
  append_cbor_text(reserve, "domain.x");
  sut->receive(reserve, stage.now).value();
  const std::vector<Write> writes{Write::set("domain.x", 2)};
  const std::array<ProposalView, 1> others{ProposalView{.writes = writes}};
  std::array<std::optional<Outcome>, 1> outcomes;
  stage.turn.commit(others, outcomes);
  CHECK_FALSE(outcomes[0]);
  sut->receive(stage.submission({.writes = writes, .reservation = 5}), stage.now).value();
  stage.hear(*sut);
  REQUIRE(stage.answers.size() == 1);
  CHECK(stage.answers[0].outcome);
  sut.reset();
  CHECK(stage.turn.commit({.base = 1, .writes = writes}).value() == 1);
}

TEST_CASE("signals come in the hub's order, after their commits, and losses are told", "[join]") {
  JoinStage stage;
  Follower sut{stage.terms, 0, false, false, stage.now};
  stage.hear(sut);
  stage.hub.send("a", 1);
  stage.commit({Write::set("domain.x", 1)}, {{"b", 2}, {"c", 3}});
  auto sent = message_of(ToOwner::signals);
  append_cbor_text(sent, "d");
  append_cbor(sent, Value{"from there"});
  sut.receive(sent, stage.now).value();
  stage.hear(sut);
  CHECK(stage.signals == std::vector<std::string>{"a 1 0.0", "b 2 1.0", "c 3 1.1", "d \"from there\" 0.0"});
  stage.signals.clear();
  for (std::size_t i = 0; i < stage.hub.capacity() + 500; ++i)
    stage.hub.send("storm", i);
  std::uint64_t heard = 0;
  std::uint64_t lost = 0;
  for (int i = 0; i < 10; ++i)
    stage.hear(sut);
  for (const std::string& signal : stage.signals)
    if (signal.starts_with("lost "))
      lost += std::stoull(signal.substr(5));
    else
      ++heard;
  CHECK(lost >= 500);
  CHECK(heard + lost == stage.hub.capacity() + 500);
}

TEST_CASE("who is slower than the feed takes the state again and ends equal", "[join]") {
  JoinStage stage;
  Follower sut{stage.terms, 0, false, false, stage.now};
  stage.hear(sut);
  for (int i = 0; i < 400; ++i)
    stage.commit({Write::set(Path{"domain"}.key("k" + std::to_string(i % 50)),
                             std::string(100'000, static_cast<char>('a' + i % 26)))});
  stage.hear(sut);
  CHECK(stage.states == 2);
  CHECK(stage.follower.version() == stage.turn.version());
  CHECK(stage.whole(stage.follower) == stage.whole(stage.turn));
}

TEST_CASE("a process that knows this run goes on where it was", "[join]") {
  JoinStage stage;
  Follower first{stage.terms, 0, false, false, stage.now};
  stage.commit({Write::set("domain.x", 1)});
  stage.hear(first);
  stage.commit({Write::set("domain.x", 2)});
  Follower again{stage.terms, stage.follower.version(), true, false, stage.now};
  stage.hear(again);
  CHECK(stage.states == 1);
  CHECK(stage.follower.version() == 2);
}

TEST_CASE("a process that says nothing is let go of, and one that says so stays [F116]", "[join]") {
  JoinStage stage;
  Follower sut{stage.terms, 0, false, false, stage.now};
  const auto listen_until = [&](Follower::Time end) {
    Status kept;
    for (; kept && stage.now < end; stage.out = {})
      kept = sut.look(stage.out, stage.now = std::min(end, stage.now + alive_interval), false);
    return kept;
  };
  CHECK(listen_until(stage.now + joined_silence_max));
  sut.receive(message_of(ToOwner::alive), stage.now).value();
  CHECK(listen_until(stage.now + joined_silence_max));
  CHECK(listen_until(stage.now + 1ms).error().code() == Errc::stale_epoch);
}

TEST_CASE("hostile bytes are refused or change nothing that they may not [F111][F118]", "[join]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random{seed};
  JoinStage stage;
  const Standing starting{.is_starting = true};
  const std::vector<Write> constant{Write::set("domain.const_x", 1)};
  stage.turn.commit({.writes = constant, .standing = &starting}).value();
  const std::vector<Write> writes{Write::set("domain.x", {{"a", Value::list({1, 2.5, "text"})}})};
  const std::vector<Signal> signals{{"s", 1}};
  const Request request{"id", 1, {}};
  const auto sound = stage.submission({.base = 1, .writes = writes, .signals = signals, .request = &request}, 3);
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    Follower sut{stage.terms, 0, false, false, stage.now};
    auto bytes = sound;
    for (unsigned changes = 1 + random() % 4; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    if (random() % 4 == 0)
      bytes.resize(1 + random() % bytes.size());
    refused += sut.receive(bytes, stage.now) ? 0 : 1;
  }
  CHECK(refused > 1000);
  CHECK(stage.turn.snapshot().find("domain.const_x") == Value{1});
}

}  // namespace theus
