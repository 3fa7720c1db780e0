// What the system allows no more: room, descriptors, rights, undisturbed calls. Limits of a process are tried in a
// child.

#include "tests/support/fault_files.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/numbered_commits.hpp"

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace theus::testing {
namespace {

JournalOptions in(const std::filesystem::path& folder) { return {.path = folder / "state.journal"}; }

/// What the function returns in a child of its own, in which threads can be begun.
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    int answer = 100;
    try {
      answer = body();
    } catch (const TheusError& error) {
      answer = 50 + static_cast<int>(error.error().code() == Errc::journal_failed);
      if (const Value* number = error.error().field("errno"))
        answer = static_cast<int>(number->as_int());
    }
    std::_Exit(answer);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST_CASE("a limit on the size of files is a full disk: commits go on when it is lifted [F33]",
          "[journal_limits][F33]") {
  const Folder folder;
  const int failed = in_child([&] {
    JournalledTurn turn{in(folder.path())};
    for (int i = 1; i <= 5; ++i)
      if (!numbered::commit(turn, i))
        return 1;
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 1;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    for (int i = 6; i <= 8; ++i)
      if (const Outcome refused = numbered::commit(turn, i); refused || refused.error().code() != Errc::disk_full)
        return 2;
    limit.rlim_cur = before;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    for (int i = 6; i <= 8; ++i)
      if (!numbered::commit(turn, i))
        return 3;
    return turn.end() ? 0 : 4;
  });
  CHECK(failed == 0);
  JournalledTurn again{in(folder.path())};
  CHECK(numbered::complaint(again, {}) == "");
  CHECK(again.found().version == 8);
}

// UBSan looks at objects through a pipe, for which it needs a descriptor.
#ifndef __SANITIZE_ADDRESS__
TEST_CASE("a journal goes on when the process has no descriptor left [F34]", "[journal_limits][F34]") {
  const Folder folder;
  JournalOptions options = in(folder.path());
  options.checkpoint_interval = 4;
  options.history_min = 5;
  CHECK(in_child([&] {
          JournalledTurn turn{options, {.wanted = 8, .most = 12}};
          while (::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) {
          }
          for (int i = 1; i <= 60; ++i)
            if (!numbered::commit(turn, i))
              return 1;
          return turn.end() ? 0 : 2;
        }) == 0);
  JournalledTurn again{options};
  CHECK(again.found().version == 60);
}

TEST_CASE("without a descriptor a journal is not opened, and that is told [F34]", "[journal_limits][F34]") {
  const Folder folder;
  const int spare = GENERATE(range(0, 4));
  CHECK(in_child([&] {
          const rlimit few{64, 64};
          ::setrlimit(RLIMIT_NOFILE, &few);
          int last = -1;
          for (int opened = 0; (opened = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
            last = opened;
          for (int i = 0; i < spare; ++i)
            ::close(last--);
          const JournalledTurn turn{in(folder.path())};
          return 0;
        }) == EMFILE);
}
#endif

TEST_CASE("a place where the user may not write is told [F33]", "[journal_limits][F33]") {
  const Folder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms{0555});
  CHECK(in_child([&] {
          constexpr uid_t nobody = 65'534;
          if (::geteuid() == 0 && ::setresuid(nobody, nobody, nobody) != 0)
            return 1;
          const JournalledTurn turn{in(folder.path())};
          return 0;
        }) == EACCES);
  std::filesystem::permissions(folder.path(), std::filesystem::perms{0700});
}

std::atomic<unsigned> interrupted{0};
std::atomic<unsigned> shortened{0};

/// Interrupted twice, then short, then as wanted.
ssize_t disturbed_write(int file, const void* from, std::size_t count, off_t at) {
  const unsigned turn = interrupted++ % 4;
  if (turn < 2) {
    errno = EINTR;
    return -1;
  }
  if (turn == 2 && count > 1) {
    ++shortened;
    count /= 2;
  }
  return ::pwrite(file, from, count, at);
}

/// Stands in for a call of SQLite's own layer until it goes.
class Disturbance {
public:
  Disturbance() {
    for (const char* name : names)
      set(name, reinterpret_cast<sqlite3_syscall_ptr>(disturbed_write));
  }
  ~Disturbance() {
    for (const char* name : names)
      set(name, nullptr);
  }
  Disturbance(const Disturbance&) = delete;
  Disturbance& operator=(const Disturbance&) = delete;

private:
  static void set(const char* name, sqlite3_syscall_ptr call) {
    sqlite3_vfs* const layer = sqlite3_vfs_find(nullptr);
    (void)layer->xSetSystemCall(layer, name, call);
  }
  static constexpr const char* names[] = {"pwrite", "pwrite64"};
};

TEST_CASE("writes that are interrupted or short are taken up again [F21][F23]", "[journal_limits][F21][F23]") {
  const Folder folder;
  std::map<int, Version> acknowledged;
  {
    const Disturbance disturbance;
    JournalledTurn turn{in(folder.path())};
    for (int i = 1; i <= 30; ++i)
      acknowledged[i] = numbered::commit(turn, i).value();
    CHECK(turn.end());
  }
  CHECK(interrupted > 100);
  CHECK(shortened > 20);
  JournalledTurn again{in(folder.path())};
  CHECK(numbered::complaint(again, acknowledged) == "");
}

TEST_CASE("what the disk refused is written by itself once there is room, whatever else is to do [F20]",
          "[journal_limits][F20]") {
  const Folder folder;
  FaultFiles files;
  JournalOptions options = in(folder.path());
  options.level = Durability::disk_async;
  options.checkpoint_interval = 1;
  options.file_layer = files.name();
  JournalledTurn turn{options};
  files.fail(1, FaultFiles::Fault::full, true);
  Version last = 0;
  for (int number = 1; !files.failed(); ++number)
    if (const Outcome outcome = numbered::commit(turn, number))
      last = *outcome;
  const auto soon = std::chrono::steady_clock::now() + std::chrono::milliseconds{300};
  CHECK(turn.turn().wait_durable(last, soon).error().code() == Errc::disk_full);
  files.work_again();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (turn.turn().durable_version() < last && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  CHECK(turn.turn().durable_version() >= last);
}

TEST_CASE("a reader from outside does not make the mark promise what is not safe [F29]", "[journal_limits][F29]") {
  const Folder folder;
  FaultFiles files;
  JournalOptions options = in(folder.path());
  options.level = Durability::os;
  options.file_layer = files.name();
  JournalledTurn turn{options, {.wanted = 4, .most = 4}};
  auto reader = store::Database::open(options.path.string(), {}).value();
  (void)turn.journal().tidy();
  REQUIRE(reader.run("BEGIN; SELECT count(*) FROM commits"));
  for (int i = 1; i <= 20; ++i)
    numbered::commit(turn, i).value();
  const Folder after;
  write_image(files.cut(files.changes(), FaultFiles::Loss::all, 1), after.path());
  const JournalledTurn again{in(after.path())};
  CHECK(again.found().version < 20);
}

}  // namespace
}  // namespace theus::testing
