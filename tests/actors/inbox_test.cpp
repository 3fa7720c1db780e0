#include "actors/inbox.hpp"

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

namespace theus {
namespace {

using actors::Inbox;

AgentMessage letter(int number) { return {"sender", number}; }

std::vector<Trigger> all_of(Inbox& inbox) {
  std::vector<Trigger> taken;
  while (auto trigger = inbox.take())
    taken.push_back(*std::move(trigger));
  return taken;
}

TEST_CASE("of more signals than an agent keeps the oldest go, and the next one taken tells how many [F91]",
          "[inbox][F91]") {
  Inbox inbox{"agent", 2};
  for (std::uint64_t sequence = 1; sequence <= 5; ++sequence)
    inbox.signal(sequence, "beat", Value{sequence});
  inbox.lost_signals(10);
  CHECK(inbox.waiting() == 2);
  CHECK(inbox.signals_lost() == 13);

  const auto taken = all_of(inbox);
  REQUIRE(taken.size() == 2);
  CHECK(taken[0].number == 4);
  CHECK(taken[0].missed == 13);
  CHECK(taken[1].number == 5);
  CHECK(taken[1].missed == 0);
  CHECK(inbox.signals_lost() == 13);
}

TEST_CASE("a message beyond the backlog is refused, and what was promised before is kept [F91]", "[inbox][F91]") {
  Inbox inbox{"agent", 2};
  inbox.reserve().value();
  inbox.post(letter(1)).value();
  const auto refused = inbox.post(letter(2));
  CHECK(refused.error().code() == Errc::overloaded);
  CHECK(*refused.error().field("limit") == 2);

  SECTION("the promise is used") {
    inbox.redeem(letter(3));
    CHECK(all_of(inbox).size() == 2);
  }
  SECTION("the promise is taken back") {
    inbox.redeem(std::nullopt);
    CHECK(inbox.post(letter(4)).ok());
    CHECK(inbox.post(letter(5)).error().code() == Errc::overloaded);
  }
}

TEST_CASE("ticks that passed while an agent was busy are one, which tells how many", "[inbox]") {
  Inbox inbox{"agent", 1};
  inbox.tick(1);
  CHECK(inbox.take()->missed == 0);
  inbox.tick(2);
  inbox.tick(5);
  const auto late = all_of(inbox);
  REQUIRE(late.size() == 1);
  CHECK(late[0].number == 5);
  CHECK(late[0].missed == 3);
}

TEST_CASE("changes that wait are one, since the earliest version and of every path once", "[inbox]") {
  Inbox inbox{"agent", 1};
  inbox.changed("domain.a", 7);
  inbox.changed("domain.b", 5);
  inbox.changed("domain.a", 9);
  const auto taken = all_of(inbox);
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].since == 5);
  CHECK(taken[0].paths == std::vector<Path>{"domain.a", "domain.b"});
}

TEST_CASE("no kind of trigger waits behind a flood of another", "[inbox]") {
  Inbox inbox{"agent", 100};
  for (std::uint64_t i = 1; i <= 50; ++i) {
    inbox.signal(i, "flood", {});
    inbox.post(letter(0)).value();
  }
  inbox.tick(1);
  inbox.changed("domain.a", 1);
  std::vector<Trigger::Kind> kinds;
  for (int i = 0; i < 4; ++i)
    kinds.push_back(inbox.take()->kind);
  for (const auto kind : {Trigger::Kind::tick, Trigger::Kind::change, Trigger::Kind::signal, Trigger::Kind::message})
    CHECK(std::ranges::count(kinds, kind) == 1);
}

TEST_CASE("an agent is woken once for whatever comes between two looks that found nothing", "[inbox]") {
  Inbox inbox{"agent", 10};
  int woken = 0;
  inbox.attach([&] { ++woken; });
  all_of(inbox);
  woken = 0;
  for (std::uint64_t i = 1; i <= 3; ++i)
    inbox.signal(i, "beat", {});
  CHECK(woken == 1);
  inbox.take();
  inbox.tick(1);
  CHECK(woken == 1);
  all_of(inbox);
  inbox.changed("domain.a", 1);
  CHECK(woken == 2);
}

TEST_CASE("what came before an agent stood up wakes it when it does", "[inbox]") {
  Inbox inbox{"agent", 10};
  inbox.post(letter(1)).value();
  int woken = 0;
  inbox.attach([&] { ++woken; });
  CHECK(woken == 1);
  CHECK(inbox.take()->messages.front().content == 1);
}

TEST_CASE("an agent that left takes nothing in, and nothing wakes it", "[inbox]") {
  Inbox inbox{"agent", 10};
  int woken = 0;
  inbox.attach([&] { ++woken; });
  all_of(inbox);
  woken = 0;
  inbox.post(letter(1)).value();
  inbox.signal(1, "beat", {});
  inbox.changed("domain.a", 1);
  inbox.tick(1);
  inbox.reserve().value();
  woken = 0;
  inbox.close();
  CHECK(all_of(inbox).empty());

  inbox.redeem(letter(2));
  inbox.signal(2, "beat", {});
  inbox.changed("domain.a", 2);
  inbox.tick(2);
  CHECK(all_of(inbox).empty());
  CHECK(woken == 0);
}

TEST_CASE("messages that a round read stay until it has committed, newer ones longer", "[inbox]") {
  Inbox inbox{"agent", 10};
  inbox.post(letter(1)).value();
  inbox.post(letter(2)).value();
  CHECK(inbox.messages().size() == 2);
  inbox.post(letter(3)).value();
  inbox.drop_messages(2);
  REQUIRE(inbox.messages().size() == 1);
  CHECK(inbox.messages()[0].content == 3);
}

}  // namespace
}  // namespace theus
