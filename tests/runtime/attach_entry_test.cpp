#include "runtime/attach/engine_entry.hpp"

#include <theus/attach.hpp>

#include "tests/support/folder.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

namespace theus {
namespace {

namespace fs = std::filesystem;
using testing::Folder;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator{folder})
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

std::string own_name() { return "engine-" + std::to_string(::getpid()); }

Errc refusal(const fs::path& folder) {
  const auto entry = EngineEntry::make(folder);
  REQUIRE_FALSE(entry.ok());
  return entry.error().code();
}

std::optional<PacketSocket> connection(const AttachFolder& folder, const std::string& name) {
  return PacketSocket::connect(folder.number(), name);
}

}  // namespace

TEST_CASE("an engine's entry can be used by its user only, and goes with it [F112]", "[attach][entry][F112]") {
  const Folder folder;
  const fs::path place = folder.path() / ".theus";
  {
    auto sut = EngineEntry::make(place).value();
    CHECK(sut.handle() == "unix:" + (place / own_name()).string());
    CHECK(names_in(place) == std::vector<std::string>{own_name(), own_name() + ".token"});
    CHECK(mode_of(place) == 0700);
    CHECK(mode_of(place / own_name()) == 0600);
    CHECK(mode_of(place / (own_name() + ".token")) == 0600);
    const auto opened = AttachFolder::open(place).value().value();
    CHECK(read_token(opened, own_name()).value() == sut.token());
    CHECK(running_engines(opened) == std::vector<std::string>{own_name()});
    CHECK(connection(opened, own_name()));
  }
  CHECK_FALSE(fs::exists(place));
}

TEST_CASE("a folder that others can enter, a link and a file are refused [F119]", "[attach][entry][F119]") {
  const Folder folder;
  const fs::path target = folder.path() / "target";
  fs::create_directory(target);
  for (const mode_t wide : {0755U, 0710U, 0701U}) {
    REQUIRE(::chmod(target.c_str(), wide) == 0);
    CHECK(refusal(target) == Errc::join_refused);
    CHECK(AttachFolder::open(target).error().code() == Errc::join_refused);
  }
  REQUIRE(::chmod(target.c_str(), 0700) == 0);
  fs::create_symlink(target, folder.path() / "link");
  CHECK(refusal(folder.path() / "link") == Errc::join_refused);
  CHECK(refusal(folder.path() / "link/") == Errc::join_refused);
  CHECK(refusal(folder.file("file", "")) == Errc::join_refused);
  CHECK(refusal(folder.path() / "missing" / "deep") == Errc::bad_argument);
  CHECK(names_in(target).empty());
  CHECK(EngineEntry::make(target).ok());
  CHECK(fs::exists(target));  // it was there before
}

TEST_CASE("a folder of another user is refused [F112][F119]", "[attach][entry][F112][F119]") {
  if (::geteuid() != 0)
    return;  // only root can give a folder away
  const Folder folder;
  const fs::path theirs = folder.path() / "theirs";
  fs::create_directory(theirs);
  REQUIRE(::chmod(theirs.c_str(), 0700) == 0);
  REQUIRE(::chown(theirs.c_str(), 65534, 65534) == 0);
  CHECK(refusal(theirs) == Errc::join_refused);
  CHECK(AttachFolder::open(theirs).error().code() == Errc::join_refused);
}

TEST_CASE("what a killed engine left behind is replaced, what a running one has is not", "[attach][entry]") {
  const Folder folder;
  const fs::path place = folder.path() / ".theus";
  fs::create_directory(place);
  REQUIRE(::chmod(place.c_str(), 0700) == 0);
  const auto opened = AttachFolder::open(place).value().value();

  // A socket without its listener, and a token without its lock: of another process, and of this one's id.
  for (const std::string& name : {std::string{"engine-1"}, own_name()}) {
    {
      const auto listener = PacketListener::bind(opened.number(), name).value();
    }
    folder.file(".theus/" + name + ".token", Secret::random().text());
    REQUIRE(::chmod((place / (name + ".token")).c_str(), 0600) == 0);
    CHECK_FALSE(connection(opened, name));
  }
  CHECK(running_engines(opened).empty());

  const auto first = EngineEntry::make(place).value();
  CHECK(names_in(place) == std::vector<std::string>{own_name(), own_name() + ".token"});
  const auto second = EngineEntry::make(place).value();
  CHECK(second.handle() == first.handle() + "-2");
  CHECK_FALSE(second.token() == first.token());
  CHECK(running_engines(opened) == std::vector<std::string>{own_name(), own_name() + "-2"});
  CHECK(connection(opened, own_name()));
}

TEST_CASE("what is no socket of ours stays where it is [F119]", "[attach][entry][F119]") {
  const Folder folder;
  const fs::path place = folder.path() / ".theus";
  fs::create_directory(place);
  REQUIRE(::chmod(place.c_str(), 0700) == 0);
  const std::string victim = folder.file("victim", "precious");

  fs::create_symlink(victim, place / own_name());
  CHECK(refusal(place) == Errc::bad_argument);
  CHECK(fs::is_symlink(place / own_name()));
  fs::remove(place / own_name());

  // A token that leads elsewhere is passed over: nothing is written through it.
  fs::remove(place / (own_name() + ".token"));
  fs::create_symlink(victim, place / (own_name() + ".token"));
  const auto sut = EngineEntry::make(place).value();
  CHECK(sut.handle().ends_with("-2"));
  std::ifstream in{victim};
  CHECK(std::string{std::istreambuf_iterator<char>{in}, {}} == "precious");
}

TEST_CASE("an entry that was replaced meanwhile is not removed", "[attach][entry]") {
  const Folder folder;
  const fs::path place = folder.path() / ".theus";
  {
    const auto sut = EngineEntry::make(place).value();
    fs::remove(place / own_name());
    folder.file(".theus/" + own_name(), "not a socket");
  }
  CHECK(names_in(place) == std::vector<std::string>{own_name()});
}

TEST_CASE("a path longer than a socket's address is no hindrance", "[attach][entry]") {
  const Folder folder;
  const fs::path deep = folder.path() / std::string(200, 'd') / std::string(200, 'e');
  fs::create_directories(deep);
  const auto sut = EngineEntry::make(deep / ".theus").value();
  const auto opened = AttachFolder::open(deep / ".theus").value().value();
  CHECK(connection(opened, own_name()));
}

TEST_CASE("engines that start and end together in one folder do not disturb each other", "[attach][entry]") {
  const Folder folder;
  const fs::path place = folder.path() / ".theus";
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        const auto entry = EngineEntry::make(place);
        if (!entry) {
          ++failures;
          continue;
        }
        const auto opened = AttachFolder::open(place);
        const std::string name = entry->handle().substr(entry->handle().rfind('/') + 1);
        if (!opened || !*opened || !connection(**opened, name) ||
            !(read_token(**opened, name).value() == entry->token()))
          ++failures;
      }
    });
  for (std::thread& thread : threads)
    thread.join();
  CHECK(failures == 0);
}

TEST_CASE("a token file that others could read or write counts as none [F113]", "[attach][entry][F113]") {
  const Folder folder;
  const fs::path place = folder.path() / ".theus";
  const auto sut = EngineEntry::make(place).value();
  const auto opened = AttachFolder::open(place).value().value();
  REQUIRE(::chmod((place / (own_name() + ".token")).c_str(), 0644) == 0);
  CHECK(read_token(opened, own_name()).error().code() == Errc::join_refused);
  CHECK(read_token(opened, "engine-1").error().code() == Errc::owner_down);
}

TEST_CASE("an engine is found by handle, environment and folder, in this order", "[attach][search]") {
  const Folder folder;
  const fs::path below = folder.path() / "a" / "b";
  fs::create_directories(below);
  CHECK(find_engine({.handle = "unix:/x", .environment = "unix:/y", .from = below}).value() == "unix:/x");
  CHECK(find_engine({.environment = "unix:/y", .from = below}).value() == "unix:/y");

  const auto none = find_engine({.from = below});
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().code() == Errc::owner_down);
  CHECK(exit_code(none.error().code()) == 4);
  for (const std::string& looked : {std::string{"THEUS_HANDLE"}, (below / ".theus").string(), std::string{"parent"}})
    CHECK(none.error().text().find(looked) != std::string::npos);

  const auto first = EngineEntry::make(folder.path() / ".theus").value();
  CHECK(find_engine({.from = below}).value() == first.handle());
  const auto nearer = EngineEntry::make(below / ".theus").value();
  CHECK(find_engine({.from = below}).value() == nearer.handle());

  const auto second = EngineEntry::make(folder.path() / ".theus").value();
  const auto several = find_engine({.from = folder.path()});
  REQUIRE_FALSE(several.ok());
  CHECK(several.error().field("handles")->size() == 2);
  CHECK(several.error().text().find(second.handle()) != std::string::npos);

  // A folder that cannot be trusted is passed over, and named.
  REQUIRE(::chmod((below / ".theus").c_str(), 0755) == 0);
  const auto passed = find_engine({.from = below});
  CHECK(passed.error().text().find("several engines") != std::string::npos);
}

}  // namespace theus
