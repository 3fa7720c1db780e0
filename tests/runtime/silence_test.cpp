#include "runtime/attach/silence.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

using namespace std::chrono_literals;

constexpr auto interval = 400ms;

bool is_silent_at(Silence& sut, Silence::Time& now, Silence::Time end) {
  bool is_silent = false;
  while (now < end)
    is_silent = sut.look(now = std::min(end, now + interval));
  return is_silent;
}

TEST_CASE("silence is too long when it is longer than allowed and was listened to", "[join]") {
  Silence::Time now{1h};
  Silence sut{2s, interval, now};
  CHECK_FALSE(is_silent_at(sut, now, sut.end()));
  CHECK(is_silent_at(sut, now, sut.end() + 1ms));
  sut.heard(now);
  CHECK_FALSE(sut.look(now));
}

TEST_CASE("a pause of the listener, were it a minute, is no silence of the others [F131]", "[join]") {
  Silence::Time now{1h};
  Silence sut{2s, interval, now};
  CHECK_FALSE(is_silent_at(sut, now, now + 1500ms));
  CHECK_FALSE(sut.look(now += 60s));
  SECTION("who speaks then stays") {
    CHECK_FALSE(is_silent_at(sut, now, now + 400ms));
    sut.heard(now);
    CHECK_FALSE(is_silent_at(sut, now, now + 2s));
  }
  SECTION("who is silent then has what was left of its time") {
    CHECK_FALSE(is_silent_at(sut, now, now + 500ms));
    CHECK(is_silent_at(sut, now, now + 1ms));
  }
}

TEST_CASE("who could not be heard is left half the time at least", "[join]") {
  Silence::Time now{1h};
  Silence sut{2s, interval, now};
  CHECK_FALSE(is_silent_at(sut, now, now + 1900ms));
  sut.excuse(now);
  CHECK_FALSE(is_silent_at(sut, now, now + 1s));
  CHECK(is_silent_at(sut, now, now + 1ms));
}

}  // namespace
}  // namespace theus
