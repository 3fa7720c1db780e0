#include "runtime/spawn_course.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

using namespace std::chrono_literals;
using State = SpawnedStatus::State;

struct Course {
  SpawnCourse::Time now{};
  SpawnCourse sut{"members", {.restarts = {.times = 3, .within = 60s}, .start_timeout = 5s}};

  void start() {
    REQUIRE(sut.wants_start(now));
    sut.started(100 + static_cast<int>(sut.status().restarts), now);
  }
  void run() {
    start();
    sut.ready(12);
  }
  /// How long it is to wait then.
  std::chrono::milliseconds die() {
    sut.ended("signal 9 (Killed)", {}, now);
    const auto wait = sut.look_at() - now;
    return std::chrono::duration_cast<std::chrono::milliseconds>(wait);
  }
};

}  // namespace

TEST_CASE("a process that ends is started again, a little later each time", "[spawn_course][F01]") {
  Course course;
  course.run();
  CHECK(course.sut.status().state == State::running);
  CHECK(course.sut.status().agents == 12);
  CHECK(course.die() == 10ms);
  CHECK(course.sut.status().state == State::waiting);
  CHECK(course.sut.status().pid == 0);
  CHECK(course.sut.status().agents == 0);
  CHECK_FALSE(course.sut.wants_start(course.now));
  course.now += 10ms;
  course.run();
  CHECK(course.sut.status().restarts == 1);
  CHECK(course.sut.status().last_end == "signal 9 (Killed)");
  CHECK(course.die() == 20ms);
}

TEST_CASE("the pause before a start has an end of its own", "[spawn_course]") {
  SpawnCourse sut{"members", {.restarts = {.times = 1000, .within = 3600s}, .pause_max = 300ms}};
  const SpawnCourse::Time now{};
  std::vector<std::chrono::milliseconds> pauses;
  for (int i = 0; i < 40; ++i) {
    sut.started(1, now);
    sut.ready(0);
    sut.ended("signal 9", {}, now);
    pauses.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(sut.look_at() - now));
  }
  CHECK(pauses[4] == 160ms);
  CHECK(pauses[5] == 300ms);
  CHECK(pauses[39] == 300ms);
}

TEST_CASE("a process that ends too often is given up, and says how it ended", "[spawn_course]") {
  Course course;
  for (int i = 0; i < 3; ++i) {
    course.run();
    course.die();
    course.now += 1s;
  }
  course.run();
  course.sut.ended("signal 11 (Segmentation fault)", {}, course.now);
  CHECK(course.sut.status().state == State::gave_up);
  CHECK_FALSE(course.sut.wants_start(course.now + 1h));
  CHECK(course.sut.look_at() == SpawnCourse::Time::max());
  const Error fault = course.sut.status().fault.value();
  CHECK(fault.code() == Errc::worker_died);
  CHECK(fault.text().find("4 times within 60 s") != std::string::npos);
  CHECK(fault.text().find("Segmentation fault") != std::string::npos);
  course.sut.stopped();
  CHECK(course.sut.status().state == State::gave_up);
}

TEST_CASE("ends count only for as long as the terms say", "[spawn_course]") {
  Course course;
  for (int i = 0; i < 20; ++i) {
    course.run();
    course.die();
    course.now += 25s;
  }
  CHECK(course.sut.status().state == State::waiting);
  CHECK(course.sut.status().restarts == 19);
}

TEST_CASE("a process that has never run is not tried again", "[spawn_course]") {
  Course course;
  course.start();
  course.sut.ended("exit code 70", Error{Errc::bad_input, "module x", "it is none"}, course.now);
  CHECK(course.sut.status().state == State::gave_up);
  CHECK(course.sut.status().fault->code() == Errc::bad_input);

  Course silent;
  silent.start();
  silent.sut.ended("exit code 0", {}, silent.now);
  CHECK(silent.sut.status().fault->code() == Errc::worker_died);
  CHECK(silent.sut.status().fault->text().find("before it was ready: exit code 0") != std::string::npos);
}

TEST_CASE("a start that takes too long is overdue until the process runs", "[spawn_course]") {
  Course course;
  course.start();
  CHECK_FALSE(course.sut.is_overdue(course.now + 4999ms));
  CHECK(course.sut.is_overdue(course.now + 5s));
  CHECK(course.sut.look_at() == course.now + 5s);
  course.sut.ready(0);
  CHECK_FALSE(course.sut.is_overdue(course.now + 1h));
}

TEST_CASE("what is late counts for nothing: ready after the end", "[spawn_course]") {
  Course course;
  course.run();
  course.die();
  course.sut.ready(5);
  CHECK(course.sut.status().state == State::waiting);
  course.sut.stopped();
  CHECK(course.sut.status().state == State::stopped);
  CHECK_FALSE(course.sut.wants_start(course.now + 1h));
}

}  // namespace theus
