#include "runtime/attach/round_wire.hpp"
#include "tests/support/property.hpp"

namespace theus {
namespace {

using Bytes = std::vector<std::byte>;

RoundShare a_share() {
  return {.number = 7,
          .version = 41,
          .seed = ~std::uint64_t{0},
          .time = std::chrono::system_clock::time_point{std::chrono::milliseconds{1'700'000'000'123}},
          .first_execution = 1000,
          .agents = {{.number = 3},
                     {.number = 9, .state = Value{{"met", 2}}, .messages = {{"a", 1}, {"", "from outside"}}}}};
}

Bytes bytes_of(const RoundShare& share) {
  Bytes bytes;
  append_share(bytes, share);
  for (const ShareAgent& agent : share.agents)
    append_share_agent(bytes, agent);
  return bytes;
}

Bytes an_answer() {
  Bytes bytes;
  append_stepped(bytes, 7);
  append_step(bytes, AgentStep{});
  append_step(bytes, AgentStep{.writes = {Write::set("domain.x", 1.5), Write::append("log_.y", "line")},
                               .signals = {{"moved", Value{{"by", 1}}}},
                               .messages = {{"b", "hello"}},
                               .state = Value{3}});
  append_step(bytes, Error{Errc::process_failed, "'c'", "it threw"}.with("process", "c"));
  return bytes;
}

}  // namespace

TEST_CASE("an offer arrives as it was sent", "[round_wire]") {
  const std::vector<OfferedAgent> agents{{0, "a", 17}, {5, "b", ~std::uint64_t{0}}};
  Bytes bytes;
  append_offer(bytes, 4711, agents);
  CborCursor in{bytes};
  const RoundOffer offer = read_offer(in);
  CHECK(in.failure() == nullptr);
  CHECK(offer.pid == 4711);
  CHECK(offer.agents == agents);
}

TEST_CASE("a share arrives with states and messages as it was sent", "[round_wire]") {
  const RoundShare sent = a_share();
  const Bytes bytes = bytes_of(sent);
  CborCursor in{bytes};
  const RoundShare share = read_share(in);
  REQUIRE(in.failure() == nullptr);
  CHECK(in.is_at_end());
  CHECK(share.number == 7);
  CHECK(share.version == 41);
  CHECK(share.seed == sent.seed);
  CHECK(share.time == sent.time);
  CHECK(share.first_execution == 1000);
  REQUIRE(share.agents.size() == 2);
  CHECK(share.agents[0].number == 3);
  CHECK(share.agents[0].state.is_null());
  CHECK(share.agents[1].state == sent.agents[1].state);
  REQUIRE(share.agents[1].messages.size() == 2);
  CHECK(share.agents[1].messages[0].sender == "a");
  CHECK(share.agents[1].messages[1].content == Value{"from outside"});
}

TEST_CASE("what came of a share arrives step by step, errors included", "[round_wire]") {
  const Bytes bytes = an_answer();
  CborCursor in{bytes};
  PathCache paths;
  const ShareAnswer answer = read_answered_share(in, paths);
  REQUIRE(in.failure() == nullptr);
  CHECK(answer.number == 7);
  CHECK_FALSE(answer.returned);
  REQUIRE(answer.steps.size() == 3);
  CHECK(answer.steps[0]->writes.empty());
  CHECK_FALSE(answer.steps[0]->state);
  const AgentStep& step = *answer.steps[1];
  REQUIRE(step.writes.size() == 2);
  CHECK(step.writes[1].kind == Write::Kind::append);
  CHECK(step.signals.at(0).name == "moved");
  CHECK(step.messages.at(0).agent == "b");
  CHECK(step.state == Value{3});
  CHECK(answer.steps[2].error().text() == Error{Errc::process_failed, "'c'", "it threw"}.with("process", "c").text());
}

TEST_CASE("a share that is given back says why", "[round_wire]") {
  Bytes bytes;
  append_returned(bytes, 8, Error{Errc::too_large, "commit", "much"});
  CborCursor in{bytes};
  PathCache paths;
  const ShareAnswer answer = read_answered_share(in, paths);
  CHECK(in.failure() == nullptr);
  CHECK(answer.number == 8);
  CHECK(answer.returned->code() == Errc::too_large);
}

TEST_CASE("messages about rounds that are cut or changed are refused or read, and nothing else", "[round_wire][F117]") {
  testing::holds(2000, [] {
    Bytes bytes = *rc::gen::element(bytes_of(a_share()), an_answer());
    if (*rc::gen::arbitrary<bool>())
      bytes.resize(*rc::gen::inRange<std::size_t>(0, bytes.size()));
    for (int changes = *rc::gen::inRange(0, 4); changes > 0 && !bytes.empty(); --changes)
      bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = std::byte{*rc::gen::arbitrary<std::uint8_t>()};
    PathCache paths;
    CborCursor answer{bytes};
    (void)read_answered_share(answer, paths);
    CborCursor share{bytes};
    (void)read_share(share);
    CborCursor offer{bytes};
    (void)read_offer(offer);
  });
  // Cut anywhere but between two steps, an answer is refused.
  const Bytes whole = an_answer();
  int read = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    PathCache paths;
    CborCursor in{std::span{whole}.first(size)};
    (void)read_answered_share(in, paths);
    read += in.failure() == nullptr ? 1 : 0;
  }
  CHECK(read == 3);
}

}  // namespace theus
