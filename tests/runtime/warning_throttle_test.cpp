#include "runtime/attach/warning_throttle.hpp"

#include <theus/value.hpp>

#include <catch2/catch.hpp>

namespace theus {
namespace {

using namespace std::chrono_literals;

Error numbered(int number) { return {Errc::join_refused, "tls", "refused " + std::to_string(number)}; }

}  // namespace

TEST_CASE("the first warnings are logged at once, and a flood of them once per second with its number [F111][F120]",
          "[remote]") {
  WarningThrottle::Time now{1h};
  WarningThrottle sut{now};
  for (int i = 0; i < WarningThrottle::at_once_max; ++i)
    CHECK(sut.add(numbered(i), now)->cause() == "refused " + std::to_string(i));
  CHECK(sut.look_at() == WarningThrottle::Time::max());
  int lines = 0;
  std::uint64_t told = 0;
  for (int i = 0; i < 10'000; ++i) {
    now += 1ms;
    if (const auto line = sut.add(numbered(i), now)) {
      ++lines;
      told += 1 + line->field("left_out")->get<std::uint64_t>().value();
    }
  }
  CHECK(lines == 10);
  CHECK(told == 10'000);
}

TEST_CASE("what was left out is told when its second is over, or at the end", "[remote]") {
  WarningThrottle::Time now{1h};
  WarningThrottle sut{now};
  for (int i = 0; i < WarningThrottle::at_once_max; ++i)
    CHECK(sut.add(numbered(i), now));
  CHECK_FALSE(sut.add(numbered(100), now));
  CHECK_FALSE(sut.add(numbered(101), now));
  REQUIRE(sut.look_at() == now + WarningThrottle::interval);
  CHECK_FALSE(sut.look(sut.look_at() - 1ms));
  const auto line = sut.look(sut.look_at());
  REQUIRE(line);
  CHECK(line->cause() == "refused 101 (1 more warnings before it were left out)");
  CHECK_FALSE(sut.add(numbered(102), now + WarningThrottle::interval));
  CHECK(sut.last()->cause() == "refused 102");
  CHECK_FALSE(sut.last());
}

}  // namespace theus
