#include "runtime/commit_turn.hpp"

#include <catch2/catch.hpp>

#include <thread>

namespace theus {
namespace {

using namespace std::chrono_literals;

const Reservations::Time start{1h};

std::vector<Write> writing(const Path& path) { return {Write::set(path, 1)}; }

TEST_CASE("a reservation holds back writes at, above and below its paths, and no others", "[reservations]") {
  Reservations reservations;
  const auto holder = reservations.add({"domain.a.b"}, 1s, start).value();
  for (const char* path : {"domain.a.b", "domain.a", "domain", "domain.a.b.c"})
    CHECK(reservations.hold_back(writing(path), Reservations::nobody, start));
  CHECK_FALSE(reservations.hold_back(writing("domain.a.other"), Reservations::nobody, start));
  CHECK_FALSE(reservations.hold_back(writing("domain.a.b"), holder, start));
}

TEST_CASE("reservations of the same paths start in order of arrival, others at once", "[reservations]") {
  Reservations reservations;
  const auto first = reservations.add({"domain.a"}, 1s, start).value();
  const auto second = reservations.add({"domain.a.x", "domain.b"}, 1s, start).value();
  const auto third = reservations.add({"domain.b"}, 1s, start).value();
  const auto other = reservations.add({"domain.c"}, 1s, start).value();
  CHECK(reservations.may_start(first, start));
  CHECK_FALSE(reservations.may_start(second, start));
  CHECK_FALSE(reservations.may_start(third, start));
  CHECK(reservations.may_start(other, start));
  // Those who only wait hold nobody back.
  CHECK_FALSE(reservations.hold_back(writing("domain.b"), Reservations::nobody, start));

  reservations.release(first, start);
  CHECK(reservations.may_start(second, start));
  CHECK_FALSE(reservations.may_start(third, start));
  CHECK(reservations.hold_back(writing("domain.b"), Reservations::nobody, start));
}

TEST_CASE("a holder that never ends holds up others for its lifetime at most", "[reservations]") {
  Reservations reservations;
  reservations.add({"domain.a"}, 1s, start).value();
  const auto next = reservations.add({"domain.a"}, 1s, start).value();
  CHECK_FALSE(reservations.may_start(next, start + 999ms));
  CHECK(reservations.may_start(next, start + 1s));
  // The next one's time counts from its own start.
  CHECK(reservations.hold_back(writing("domain.a"), Reservations::nobody, start + 1999ms));
  CHECK_FALSE(reservations.hold_back(writing("domain.a"), Reservations::nobody, start + 2s));
  CHECK(reservations.is_empty());
}

TEST_CASE("between two reservations those who were held back get their chance [F86]", "[reservations][F86]") {
  Reservations reservations;
  const auto first = reservations.add({"domain.a"}, 1s, start).value();
  const auto second = reservations.add({"domain.a"}, 1s, start).value();
  const auto third = reservations.add({"domain.a"}, 1s, start).value();
  CHECK(reservations.hold_back(writing("domain.a"), Reservations::nobody, start));
  reservations.release(first, start);
  CHECK_FALSE(reservations.may_start(second, start + 1ms));
  CHECK_FALSE(reservations.hold_back(writing("domain.a"), Reservations::nobody, start + 1ms));
  CHECK(reservations.may_start(second, start + 2ms));
  // Nobody was held back by the second, so the third follows at once.
  reservations.release(second, start + 3ms);
  CHECK(reservations.may_start(third, start + 3ms));
}

TEST_CASE("a reservation grows by the paths on which its holder was refused after all", "[reservations]") {
  Reservations reservations;
  const auto holder = reservations.add({"domain.a"}, 1s, start).value();
  const std::vector<Path> more{"domain.b"};
  reservations.extend(holder, more);
  CHECK(reservations.hold_back(writing("domain.b"), Reservations::nobody, start));
}

TEST_CASE("no more than so many reservations are kept", "[reservations]") {
  Reservations reservations;
  for (std::size_t i = 0; i < Reservations::count_max; ++i)
    REQUIRE(reservations.add({"domain.a"}, 1s, start).has_value());
  CHECK_FALSE(reservations.add({"domain.a"}, 1s, start).has_value());
}

TEST_CASE("a commit waits while its path is reserved and goes on when it is released [F86]", "[commit][F86]") {
  CommitTurn turn;
  auto reservation = turn.reserve({"domain.x"}, 1h);
  std::thread writer{[&] {
    const std::vector<Write> writes{Write::set("domain.x", 2)};
    CHECK(turn.commit({0, false, {}, writes, {}}).error().code() == Errc::version_mismatch);
  }};
  const std::vector<Write> elsewhere{Write::set("domain.y", 1)};
  CHECK(turn.commit({0, false, {}, elsewhere, {}}).value() == 1);
  const std::vector<Write> own{Write::set("domain.x", 1)};
  CHECK(turn.commit({.base = 0, .writes = own, .reservation = reservation->id()}).value() == 2);
  reservation.reset();
  writer.join();
  CHECK(turn.snapshot().get<int>("domain.x").value() == 1);
}

TEST_CASE("a commit does not wait for a reservation for ever", "[commit][F86]") {
  CommitTurn turn{nullptr, system_clock(), {.reserved_wait_max = 20ms}};
  const auto reservation = turn.reserve({"domain.x"}, 1h);
  const std::vector<Write> writes{Write::set("domain.x", 2)};
  CHECK(turn.commit({0, false, {}, writes, {}}).error().code() == Errc::deadline);
  CHECK(turn.version() == 0);
}

TEST_CASE("a batch commits around what a reservation holds back", "[commit]") {
  CommitTurn turn;
  const auto reservation = turn.reserve({"domain.x"}, 1h);
  const std::vector<Write> x = writing("domain.x");
  const std::vector<Write> y = writing("domain.y");
  const std::vector<ProposalView> proposals{{.writes = x}, {.writes = y}};
  std::vector<std::optional<Outcome>> outcomes(2);
  turn.commit(proposals, outcomes);
  CHECK_FALSE(outcomes[0].has_value());
  CHECK(outcomes[1]->value() == 1);
}

/// Whose wall clock jumps by a day, forth and back, at every look; its steady one is moved by hand.
class JumpingClock final : public Clock {
public:
  std::chrono::steady_clock::time_point now() const override { return steady; }
  std::chrono::system_clock::time_point wall() const override {
    jumps_ = !jumps_;
    return std::chrono::system_clock::time_point{std::chrono::days{jumps_ ? 20'001 : 20'000}};
  }

  std::chrono::steady_clock::time_point steady = start;

private:
  mutable bool jumps_ = false;
};

TEST_CASE("a wall clock that jumps by a day ends no reservation and changes no order of versions [F130]", "[commit]") {
  JumpingClock clock;
  CommitTurn turn{nullptr, clock};
  const auto reservation = turn.reserve({"domain.x"}, 1h);
  const std::vector<Write> x = writing("domain.x");
  const std::vector<Write> y{Write::increment("domain.y", 1)};
  const auto commit_both = [&] {
    const std::vector<ProposalView> proposals{{.writes = x}, {.writes = y}};
    std::vector<std::optional<Outcome>> outcomes(proposals.size());
    turn.commit(proposals, outcomes);
    return outcomes;
  };
  for (Version version = 1; version <= 10; ++version) {
    (void)clock.wall();
    const auto outcomes = commit_both();
    CHECK_FALSE(outcomes[0].has_value());
    CHECK(outcomes[1]->value() == version);
  }
  clock.steady += 1h + 1ms;
  CHECK(commit_both()[0]->value() == 11);
}

}  // namespace
}  // namespace theus
