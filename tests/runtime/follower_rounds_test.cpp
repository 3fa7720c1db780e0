// What a joined process says about rounds, at the owner's side and without sockets.

#include "runtime/attach/follower.hpp"
#include "runtime/attach/protocol.hpp"

#include <catch2/catch.hpp>

#include <sys/eventfd.h>

namespace theus {
namespace {

using namespace std::chrono_literals;

class Desk final : public RoundDesk {
public:
  void offered(const HostLinePtr& from, std::vector<OfferedAgent> agents) override {
    line = from;
    offers.push_back(std::move(agents));
  }
  void answered(const HostLinePtr& from, ShareAnswer answer) override {
    CHECK(from == line);
    answers.push_back(std::move(answer));
  }
  void left(const HostLinePtr& from) override {
    CHECK(from == line);
    ++lefts;
  }

  HostLinePtr line;
  std::vector<std::vector<OfferedAgent>> offers;
  std::vector<ShareAnswer> answers;
  int lefts = 0;
};

struct RoundsStage {
  Follower::Time now{};
  SignalHub hub;
  CommitFeed feed;
  CommitTurn turn{nullptr, system_clock(), {.feed = &feed}};
  Desk desk;
  std::shared_ptr<const Descriptor> wake = std::make_shared<const Descriptor>(::eventfd(0, EFD_NONBLOCK));
  FollowTerms terms{turn, feed, hub, {"history", "epoch"}, {}, wake, [] { return Status{}; }, &desk};
  MessageWriter out;

  static std::vector<std::byte> offer() {
    auto message = message_of(ToOwner::offer);
    append_offer(message, 4711, std::vector<OfferedAgent>{{1, "a", 5}});
    return message;
  }
  static std::vector<std::byte> stepped(std::string_view epoch) {
    auto message = message_of(ToOwner::stepped);
    append_cbor_text(message, epoch);
    append_stepped(message, 3);
    append_step(message, AgentStep{});
    return message;
  }
  /// The kinds of what it says, in order.
  std::vector<ToJoined> hear(Follower& sut) {
    std::vector<ToJoined> kinds;
    MessageReader reader{feed_bytes_max};
    do {
      sut.look(out, now, false).value();
      for (; !out.empty(); out.sent())
        if (auto message = reader.add(out.packet()).value()) {
          CborCursor in{*message};
          kinds.push_back(static_cast<ToJoined>(in.number()));
        }
    } while (sut.has_news(out));
    return kinds;
  }
};

}  // namespace

TEST_CASE("an offer reaches who shares rounds out, with a line back", "[follower]") {
  RoundsStage stage;
  Follower sut{stage.terms, 0, false, false, stage.now};
  stage.hear(sut);
  sut.receive(RoundsStage::offer(), stage.now).value();
  REQUIRE(stage.desk.offers.size() == 1);
  CHECK(stage.desk.offers[0] == std::vector<OfferedAgent>{{1, "a", 5}});
  CHECK(stage.desk.line->pid() == 4711);

  eventfd_t rings = 0;
  CHECK(stage.desk.line->send(message_of(ToJoined::hosting)));
  CHECK(::eventfd_read(stage.wake->number(), &rings) == 0);
  CHECK(sut.has_news(stage.out));
  CHECK(stage.hear(sut) == std::vector{ToJoined::hosting});
}

TEST_CASE("a share goes out before commits that would lead past its version", "[follower]") {
  RoundsStage stage;
  Follower sut{stage.terms, 0, false, false, stage.now};
  stage.hear(sut);
  sut.receive(RoundsStage::offer(), stage.now).value();
  const std::vector writes{Write::set("domain.x", 1)};
  stage.turn.commit({.writes = writes}).value();
  stage.desk.line->send(message_of(ToJoined::share));
  CHECK(stage.hear(sut) == std::vector{ToJoined::share, ToJoined::commits});
}

TEST_CASE("steps of another run of the owner are not heard, and of who offered nothing refused [F117]",
          "[follower][F117]") {
  RoundsStage stage;
  Follower sut{stage.terms, 0, false, false, stage.now};
  const Status early = sut.receive(RoundsStage::stepped("epoch"), stage.now);
  REQUIRE_FALSE(early);
  CHECK(early.error().code() == Errc::bad_input);
  sut.receive(RoundsStage::offer(), stage.now).value();
  sut.receive(RoundsStage::stepped("an earlier one"), stage.now).value();
  CHECK(stage.desk.answers.empty());
  sut.receive(RoundsStage::stepped("epoch"), stage.now).value();
  REQUIRE(stage.desk.answers.size() == 1);
  CHECK(stage.desk.answers[0].number == 3);
}

TEST_CASE("a host that takes too long hears so, and its connection ends [F94]", "[follower][F94]") {
  RoundsStage stage;
  Follower sut{stage.terms, 0, false, false, stage.now};
  sut.receive(RoundsStage::offer(), stage.now).value();
  stage.hear(sut);
  eventfd_t rings = 0;
  ::eventfd_read(stage.wake->number(), &rings);
  stage.desk.line->cut();
  CHECK(::eventfd_read(stage.wake->number(), &rings) == 0);
  const Status cut = sut.look(stage.out, stage.now, false);
  REQUIRE_FALSE(cut);
  CHECK(cut.error().code() == Errc::deadline);
}

TEST_CASE("who shares rounds out hears when a host has left, and its line takes nothing more [F01]",
          "[follower][F01]") {
  RoundsStage stage;
  {
    Follower sut{stage.terms, 0, false, false, stage.now};
    sut.receive(RoundsStage::offer(), stage.now).value();
    stage.desk.line->send(message_of(ToJoined::share));
  }
  CHECK(stage.desk.lefts == 1);
  CHECK_FALSE(stage.desk.line->send(message_of(ToJoined::share)));
  CHECK_FALSE(stage.desk.line->has_message());
}

TEST_CASE("an engine that shares no rounds out refuses offers", "[follower]") {
  RoundsStage stage;
  stage.terms.rounds = nullptr;
  Follower sut{stage.terms, 0, false, false, stage.now};
  CHECK(sut.receive(RoundsStage::offer(), stage.now).error().code() == Errc::unsupported);
}

TEST_CASE("a line holds a bounded number of bytes", "[follower]") {
  HostLine sut{1, std::make_shared<const Descriptor>(::eventfd(0, EFD_NONBLOCK))};
  CHECK(sut.send(std::vector<std::byte>(HostLine::bytes_max)));
  CHECK_FALSE(sut.send(std::vector<std::byte>(1)));
  CHECK(sut.next()->size() == HostLine::bytes_max);
  CHECK(sut.send(std::vector<std::byte>(1)));
}

}  // namespace theus
