// What a joined engine makes of what its owner says: the owner is a fake.

#include "tests/support/fake_owner.hpp"

#include <atomic>
#include <thread>

namespace theus {
namespace {

using namespace std::chrono_literals;
using testing::FakeOwner;

bool comes_true(const auto& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!condition() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  return condition();
}

/// The proposals of one message, by number.
std::vector<std::pair<std::uint64_t, Submission>> submissions(const FakeOwner::Message& message) {
  CborCursor in{message};
  PathCache paths;
  CHECK(in.text() == FakeOwner::epoch);
  std::vector<std::pair<std::uint64_t, Submission>> all;
  while (in.failure() == nullptr && !in.is_at_end()) {
    const std::uint64_t number = in.number();
    all.emplace_back(number, read_submission(in, paths));
  }
  REQUIRE(in.failure() == nullptr);
  return all;
}

FakeOwner::Message answer(std::uint64_t number, const Result<Version>& outcome) {
  auto message = message_of(ToJoined::answers);
  append_answer(message, number, outcome);
  return message;
}

const Error conflict{Errc::version_mismatch, "domain.count", "it has changed"};

/// Answers an engine's proposals with conflicts, and commits in between, until it reserves paths; by which number.
std::uint64_t refuse_until_reserved(FakeOwner& owner, Version& version) {
  while (auto said = owner.hear()) {
    if (said->first == ToOwner::reserve) {
      CborCursor in{said->second};
      return in.number();
    }
    if (said->first != ToOwner::submit)
      continue;
    owner.say(FakeOwner::commits(++version, 1));
    for (const auto& [number, submission] : submissions(said->second))
      owner.say(answer(number, conflict));
  }
  return 0;
}

FakeOwner::Message start(std::uint64_t reservation) {
  auto message = message_of(ToJoined::starts);
  append_cbor_number(message, reservation);
  return message;
}

FakeOwner::Message share(std::uint64_t number, Version version, std::uint64_t agent) {
  auto message = message_of(ToJoined::share);
  append_share(message, {.number = number, .version = version});
  append_share_agent(message, {.number = agent});
  return message;
}

Agent observer() {
  return {.name = "observer", .reads = {"domain"}, .writes = {"domain.seen"}, .body = [](Context& ctx) {
            ctx.set("domain.seen", Value::list({Value{ctx.version()}, ctx.get("domain.count")}));
          }};
}

/// The engine offers the agent, under the number that is returned.
std::uint64_t let_host(FakeOwner& owner, Engine& joined, Agent agent) {
  joined.spawn_agent(std::move(agent)).value();
  auto hosting = std::async(std::launch::async, [&] { return joined.host_agents().value(); });
  const auto said = owner.hear().value();
  REQUIRE(said.first == ToOwner::offer);
  CborCursor in{said.second};
  const RoundOffer offer = read_offer(in);
  auto message = message_of(ToJoined::hosting);
  append_cbor_number(message, offer.agents.size());
  owner.say(message);
  CHECK(hosting.get() == 1);
  return offer.agents.at(0).number;
}

ShareAnswer stepped(FakeOwner& owner) {
  const auto said = owner.hear().value();
  REQUIRE(said.first == ToOwner::stepped);
  CborCursor in{said.second};
  PathCache paths;
  CHECK(in.text() == FakeOwner::epoch);
  return read_answered_share(in, paths);
}

}  // namespace

TEST_CASE("a joined body waits for its reservation before it reads, and no longer than the link lasts", "[join][F94]") {
  FakeOwner owner;
  Engine joined = owner.join();
  std::atomic<int> runs{0};
  joined
      .register_process({.name = "count",
                         .inputs = {"domain.count"},
                         .outputs = {"domain.count"},
                         .attempts_max = 100,
                         .body =
                             [&](Context& ctx) {
                               ++runs;
                               return ctx.get<std::int64_t>("domain.count") + 1000;
                             }})
      .value();
  Version version = 1;
  auto call = std::async(std::launch::async, [&] { return joined.execute("count"); });
  const auto reservation = refuse_until_reserved(owner, version);
  REQUIRE(reservation != 0);
  const int before = runs;
  CHECK(owner.hears_nothing(3));
  CHECK(runs == before);

  SECTION("it starts when the owner says so, on the newest state") {
    owner.say(FakeOwner::commits(++version, 1));
    owner.say(start(reservation));
    const auto said = owner.hear().value();
    REQUIRE(said.first == ToOwner::submit);
    const auto all = submissions(said.second);
    REQUIRE(all.size() == 1);
    CHECK(runs == before + 1);
    const Proposal& proposal = all[0].second.proposal;
    CHECK(proposal.base == version);
    CHECK(proposal.reservation == reservation);
    CHECK(proposal.writes.at(0).value == Value{static_cast<std::int64_t>(version) + 1000});
    CHECK(all[0].second.cause.kind == Cause::Kind::process);
    CHECK(all[0].second.cause.name == "count");
    CHECK(all[0].second.cause.number >> executions_bits == 3);
    owner.say(FakeOwner::commits(++version, 1));
    owner.say(answer(all[0].first, version));
    CHECK(call.get().value().version == version);
  }
  SECTION("the link dies") {
    owner.hang_up();
    CHECK(call.get().error().code() == Errc::owner_down);
  }
}

TEST_CASE("a joined transaction waits for its reservation before it reads", "[join]") {
  FakeOwner owner;
  Engine joined = owner.join();
  std::atomic<int> runs{0};
  Version version = 1;
  auto call = std::async(std::launch::async, [&] {
    return joined.update("domain.count", [&](const Value& value) {
      ++runs;
      return Value{value.as_int() + 1000};
    });
  });
  const auto reservation = refuse_until_reserved(owner, version);
  REQUIRE(reservation != 0);
  const int before = runs;
  CHECK(owner.hears_nothing(3));
  CHECK(runs == before);
  owner.say(start(reservation));
  const auto all = submissions(owner.hear().value().second);
  CHECK(runs == before + 1);
  CHECK(all.at(0).second.cause.kind == Cause::Kind::transaction);
  owner.say(FakeOwner::commits(++version, 1));
  owner.say(answer(all[0].first, version));
  CHECK(call.get());
}

TEST_CASE("a share is stepped on exactly its version: earlier ones are given back, later ones wait [F117]",
          "[join][F117]") {
  FakeOwner owner;
  Engine joined = owner.join();
  const std::uint64_t agent = let_host(owner, joined, observer());
  owner.say(FakeOwner::commits(2, 3));

  owner.say(share(7, 3, agent));
  const ShareAnswer early = stepped(owner);
  CHECK(early.number == 7);
  REQUIRE(early.returned);
  CHECK(early.returned->code() == Errc::stale_epoch);

  owner.say(share(8, 6, agent));
  CHECK(owner.hears_nothing(1));
  // Both at once: the share is to be stepped between them.
  owner.say(FakeOwner::commits(5, 3));
  const ShareAnswer late = stepped(owner);
  CHECK(late.number == 8);
  REQUIRE_FALSE(late.returned);
  REQUIRE(late.steps.at(0));
  CHECK(late.steps[0]->writes.at(0).value == Value::list({Value{6}, Value{6}}));
}

TEST_CASE("what is no message of an owner ends the connection, and the engine goes on with the next one [F111]",
          "[join][F111]") {
  FakeOwner owner;
  Engine joined = owner.join();
  const auto hostile = GENERATE(as<int>{}, 0, 1, 2, 3);
  auto message = message_of(hostile == 0 ? ToJoined::commits : hostile == 1 ? ToJoined::schema : ToJoined::state);
  if (hostile == 0) {  // a gap
    message = FakeOwner::commits(4, 1);
  } else if (hostile == 1) {
    append_cbor_text(message, "{\"paths\": {\"domain\": {\"type\": \"nonsense\"}}}");
  } else if (hostile == 2) {
    append_cbor_text(message, "no version");
  } else {
    message = FakeOwner::Message(100, std::byte{0xff});
  }
  owner.say(message);
  CHECK_FALSE(owner.hear());
  CHECK(comes_true([&] { return !joined.owner()->is_up; }));
  owner.accept();
  CHECK(comes_true([&] { return joined.owner()->is_up; }));
  CHECK(joined.owner()->joins == 2);
  CHECK(joined.state().get<int>("domain.count").value() == 0);
}

TEST_CASE("an owner that comes back with other access rules is not joined again [F117]", "[join][F117]") {
  FakeOwner owner;
  Engine joined = owner.join();
  owner.access.overrides = {{"domain.count", PathAccess::immutable}};
  owner.hang_up();
  owner.accept();
  CHECK_FALSE(owner.hear());
  CHECK(comes_true([&] { return joined.owner()->fault && joined.owner()->fault->code() == Errc::stale_epoch; }));
  const auto refused = joined.compare_and_swap(joined.version(), {Write::set("domain.count", 1)});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::stale_epoch);
  CHECK(refused.error().text().find("access rules") != std::string::npos);
  owner.access = {};
  owner.accept();
  CHECK(comes_true([&] { return joined.owner()->is_up; }));
}

TEST_CASE("agents are not offered again while a step in them hangs", "[join]") {
  FakeOwner owner;
  Engine joined = owner.join();
  std::atomic<bool> hangs{true};
  const std::uint64_t slow =
      let_host(owner, joined, {.name = "slow", .writes = {"domain.seen"}, .body = [&](Context& ctx) {
                                 while (hangs)
                                   std::this_thread::yield();
                                 ctx.set("domain.seen", 1);
                               }});
  owner.say(share(1, 1, slow));
  owner.hang_up();
  owner.accept(false);
  CHECK(owner.hears_nothing(2));
  hangs = false;
  // The offer, and not what came of a share that nobody waits for any more.
  CHECK(owner.hear().value().first == ToOwner::offer);
  CHECK(owner.hears_nothing(1));
}

}  // namespace theus
