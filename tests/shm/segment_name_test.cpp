#include "shm/segment_name.hpp"

#include "shm/arena.hpp"
#include "shm/segment_file.hpp"
#include "tests/support/folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include <catch2/catch.hpp>

namespace theus::shm {
namespace {

SegmentName name_of(const ProcessIdentity& owner) {
  struct stat status {};
  ::stat("/proc/self/ns/pid", &status);
  return {.user = ::geteuid(), .pid_namespace = status.st_ino, .owner = owner, .engine = 0xabc, .number = 1};
}

std::size_t names_with(const std::string& part) {
  const auto all = std::filesystem::directory_iterator{"/dev/shm"};
  return static_cast<std::size_t>(std::count_if(begin(all), end(all), [&](const auto& entry) {
    return entry.path().filename().string().find(part) != std::string::npos;
  }));
}

std::string our_part() { return "-" + std::to_string(::getpid()) + "-"; }

}  // namespace

TEST_CASE("a segment's name tells its owner, and nothing else is taken for one", "[segment_name]") {
  const SegmentName name = name_of(this_process());
  CHECK(parse_segment_name(to_text(name)) == name);
  for (const char* text : {"", "theus-", "theus-0-1-2-3-abc", "theus-0-1-2-3-abc-1-", "theus-0-1-2-3-abc-01",
                           "theus-0-1-2-3-ABC-1x", "theus-0-1--2-3-abc-1", "theus-0-1-0-3-abc-1", "other-0-1-2-3-abc-1",
                           "theus-0-1-2-3-abc-99999999999", "theus-+1-1-2-3-abc-1", "../theus-0-1-2-3-abc-1"})
    CHECK_FALSE(parse_segment_name(text));
}

TEST_CASE("the reaper removes what the dead left, and nothing of the living, of others, or of another kind [F43]",
          "[segment_name]") {
  const testing::Folder folder;
  const ProcessIdentity dead{::getpid(), this_process().started + 1};  // our pid, given out before
  const std::string of_dead = folder.file(to_text(name_of(dead)), "whatever");
  const std::string of_living = folder.file(to_text(name_of(this_process())), "whatever");
  SegmentName other = name_of(dead);
  other.user += 1;
  const std::string of_other = folder.file(to_text(other), "");
  const std::string foreign = folder.file("theus-cache", "mine");
  SegmentName linked = name_of(dead);
  linked.number = 2;
  const auto link = folder.path() / to_text(linked);
  std::filesystem::create_symlink(foreign, link);
  SegmentName locked = name_of(dead);
  locked.number = 3;
  const std::string of_locked = folder.file(to_text(locked), "");
  const Descriptor lock{::open(of_locked.c_str(), O_RDWR | O_CLOEXEC)};
  REQUIRE(::flock(lock.number(), LOCK_EX) == 0);
  SegmentName elsewhere = name_of(dead);
  elsewhere.pid_namespace += 1;
  const std::string of_elsewhere = folder.file(to_text(elsewhere), "unfinished");

  CHECK(find_segments(folder.path()).dead == std::vector{to_text(name_of(dead))});
  CHECK(std::filesystem::exists(of_dead));
  const ReapReport report = remove_dead_segments(folder.path());
  CHECK(report.dead == std::vector{to_text(name_of(dead))});
  CHECK(report.bytes == 8);
  CHECK(report.alive == 3);
  CHECK_FALSE(std::filesystem::exists(of_dead));
  for (const auto& kept : {of_living, of_other, foreign, of_locked, of_elsewhere})
    CHECK(std::filesystem::exists(kept));
  CHECK(std::filesystem::is_symlink(link));
}

TEST_CASE("named segments are their user's alone whatever the umask, and gone with their arena [F44]",
          "[segment_name]") {
  const mode_t before = ::umask(0);
  const auto guard = std::shared_ptr<void>{nullptr, [before](void*) { ::umask(before); }};
  {
    auto arena = Arena::create({.named_segments = true}).value();
    const auto loan = arena->lend(1000).value();
    REQUIRE(names_with(our_part()) == 1);
    for (const auto& entry : std::filesystem::directory_iterator{"/dev/shm"})
      if (entry.path().filename().string().find(our_part()) != std::string::npos) {
        struct stat status {};
        REQUIRE(::stat(entry.path().c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == private_mode);
      }
  }
  CHECK(names_with(our_part()) == 0);
}

TEST_CASE("a name that somebody has taken is not used [F42]", "[segment_name]") {
  auto first = create_named_file(0x123, 7, 4096).value();
  const auto second = create_named_file(0x123, 7, 4096);
  CHECK_FALSE(second);
  remove_name(first.name);
  CHECK(create_named_file(0x123, 7, 4096).ok());
  remove_name(first.name);
}

TEST_CASE("what a killed process leaves behind is gone after the next start, a live run's stays [F43]",
          "[segment_name]") {
  auto living = Arena::create({.named_segments = true}).value();
  const auto kept = living->lend(1000).value();
  const pid_t child = ::fork();
  if (child == 0) {  // in a child without threads; ends without destructors, as if killed
    (void)create_named_file(0x77, 1, 8192);
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  const std::string left = "-" + std::to_string(child) + "-";
  REQUIRE(names_with(left) == 1);
  const auto next = Arena::create({.named_segments = true}).value();
  CHECK(names_with(left) == 0);
  CHECK(names_with(our_part()) == 1);
}

TEST_CASE("names are short and plain, and never lead anywhere [F51]", "[segment_name]") {
  for (const char* good : {"a", "frame.1", "camera_left-2"})
    CHECK(is_heavy_name(good));
  for (const std::string& bad : {std::string{}, std::string{"../a"}, std::string{"a/b"}, std::string{".."},
                                 std::string{"."}, std::string{"a\0b", 3}, std::string(65, 'a'), std::string(300, 'a'),
                                 std::string{"A"}, std::string{"\xD0\xB0"}, std::string{"a\xE2\x80\xAE"}})
    CHECK_FALSE(is_heavy_name(bad));
  auto arena = Arena::create().value();
  CHECK(arena->owner("camera").ok());
  CHECK(arena->owner("../etc").error().code() == Errc::bad_argument);
}

}  // namespace theus::shm
