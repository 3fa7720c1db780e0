#include "runtime/child_process.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>

namespace theus {
namespace {

using std::chrono::seconds;

constexpr seconds long_enough{20};

ChildPlan shell(const std::string& script) { return {.command = {"/bin/sh", "-c", script}}; }

ChildEnd exited(int code) { return {ChildEnd::Kind::exited, code}; }
ChildEnd killed(int signal) { return {ChildEnd::Kind::killed, signal}; }

struct Pipe {
  Descriptor out;
  Descriptor in;
};

Pipe pipe_of(int flags) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), flags) == 0);
  return {Descriptor{ends[0]}, Descriptor{ends[1]}};
}

std::string all_of(const Descriptor& from) {
  std::string text;
  std::array<char, 256> room{};
  for (ssize_t got = 0; (got = ::read(from.number(), room.data(), room.size())) > 0;)
    text.append(room.data(), static_cast<std::size_t>(got));
  return text;
}

/// What a script prints.
std::string output_of(ChildPlan plan) {
  Pipe pipe = pipe_of(O_CLOEXEC);
  plan.output = pipe.in.number();
  auto child = ChildProcess::start(plan);
  REQUIRE(child);
  pipe.in = Descriptor{};
  const std::string text = all_of(pipe.out);
  CHECK(child->wait(long_enough) == exited(0));
  return text;
}

bool is_readable(int number) {
  pollfd ask{number, POLLIN, 0};
  return ::poll(&ask, 1, 0) == 1;
}

std::size_t descriptors_here() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"})
    ++count;
  return count;
}

}  // namespace

TEST_CASE("how a child ended is a value", "[child_process]") {
  auto child = ChildProcess::start(shell("exit 3"));
  REQUIRE(child);
  CHECK(child->wait(long_enough) == exited(3));
  CHECK(child->wait(seconds{0}) == exited(3));
  CHECK(exited(3).text() == "exit code 3");

  auto crashed = ChildProcess::start(shell("kill -SEGV $$"));
  REQUIRE(crashed);
  CHECK(crashed->wait(long_enough) == killed(SIGSEGV));
  CHECK(killed(SIGKILL).text() == "signal 9 (Killed)");
}

TEST_CASE("the death of a child is a readable descriptor", "[child_process]") {
  auto child = ChildProcess::start(shell("exec sleep 1000"));
  REQUIRE(child);
  CHECK_FALSE(is_readable(child->watched()));
  CHECK(child->wait(seconds{0}) == std::nullopt);
  SECTION("killed by us") {
    child->kill();
    CHECK(child->wait(long_enough) == killed(SIGKILL));
  }
  SECTION("asked to end") {
    child->terminate();
    CHECK(child->wait(long_enough) == killed(SIGTERM));
  }
  SECTION("[F01] killed by somebody else") {
    ::kill(child->pid(), SIGKILL);
    CHECK(child->wait(long_enough) == killed(SIGKILL));
  }
  CHECK(is_readable(child->watched()));
}

TEST_CASE("[F11] a child that has ended is not killed again under a pid that another process may have",
          "[child_process]") {
  auto child = ChildProcess::start(shell("exit 0"));
  REQUIRE(child);
  REQUIRE(child->wait(long_enough) == exited(0));
  // Its pid is free now; a process of that number would be found by kill(2), not by us.
  child->kill();
  child->terminate();
  CHECK(child->wait(long_enough) == exited(0));
}

TEST_CASE("a child gets the descriptors it is given, in order, and no other", "[child_process]") {
  Pipe first = pipe_of(O_CLOEXEC);
  Pipe second = pipe_of(0);
  const Pipe careless = pipe_of(0);  // opened without O_CLOEXEC, as libraries do
  auto plan = shell("echo one >&3; echo two >&4; ls /proc/self/fd >&3; test ! -e /proc/self/fd/5");
  plan.descriptors = {first.in.number(), second.in.number()};
  auto child = ChildProcess::start(plan);
  REQUIRE(child);
  first.in = Descriptor{};
  second.in = Descriptor{};
  CHECK(all_of(second.out) == "two\n");
  // `ls` opens the folder it lists as the fifth of 0, 1, 2, 3 and 4.
  CHECK(all_of(first.out) == "one\n0\n1\n2\n3\n4\n5\n");
  CHECK(child->wait(long_enough) == exited(0));
}

TEST_CASE("descriptors that stand in each other's places are exchanged, not lost", "[child_process]") {
  Pipe low = pipe_of(O_CLOEXEC);
  Pipe high = pipe_of(O_CLOEXEC);
  // Whatever the numbers are, one of the two orders is the wrong way round.
  for (const bool swapped : {false, true}) {
    auto plan = shell("echo first >&3; echo second >&4");
    plan.descriptors = {low.in.number(), high.in.number()};
    if (swapped)
      std::swap(plan.descriptors[0], plan.descriptors[1]);
    auto child = ChildProcess::start(plan);
    REQUIRE(child);
    REQUIRE(child->wait(long_enough) == exited(0));
    std::array<char, 16> room{};
    const ssize_t got = ::read(low.out.number(), room.data(), room.size());
    CHECK(std::string(room.data(), static_cast<std::size_t>(got)) == (swapped ? "second\n" : "first\n"));
    (void)::read(high.out.number(), room.data(), room.size());
  }
}

TEST_CASE("a child's output goes where it is told, and its input is empty", "[child_process]") {
  CHECK(output_of(shell("echo said; cat; echo done")) == "said\ndone\n");
}

TEST_CASE("a child's environment is ours, with what it is given", "[child_process]") {
  ::setenv("THEUS_TEST_INHERITED", "from us", 1);
  ::setenv("THEUS_TEST_REPLACED", "old", 1);
  auto plan = shell("echo $THEUS_TEST_INHERITED, $THEUS_TEST_REPLACED, $(env | grep -c THEUS_TEST_REPLACED)");
  plan.environment = {"THEUS_TEST_REPLACED=new"};
  CHECK(output_of(plan) == "from us, new, 1\n");
}

TEST_CASE("no signal is blocked or ignored in a child", "[child_process]") {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto handler = std::signal(SIGUSR2, SIG_IGN);
  const std::string seen = output_of(shell("grep -E 'Sig(Blk|Ign)' /proc/self/status"));
  std::signal(SIGUSR2, handler);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  // The two signals that the C library keeps for itself are always ignored at first.
  CHECK_THAT(seen, Catch::Matches("SigBlk:\t0{16}\nSigIgn:\t0000000(18|00)0000000\n"));
}

TEST_CASE("a child that uses up its processor time is killed by the kernel", "[child_process]") {
  auto plan = shell("while :; do :; done");
  plan.processor_time_max = seconds{1};
  auto child = ChildProcess::start(plan);
  REQUIRE(child);
  CHECK(child->wait(long_enough) == killed(SIGKILL));
}

TEST_CASE("a child gets no more memory than it may have", "[child_process]") {
  constexpr std::uint64_t limit = 64 << 20;
  auto plan = shell("read go <&3; ulimit -v");
  Pipe go = pipe_of(O_CLOEXEC);
  Pipe told = pipe_of(O_CLOEXEC);
  plan.descriptors = {go.out.number()};
  plan.output = told.in.number();
  plan.memory_bytes_max = limit;
  auto child = ChildProcess::start(plan);
  REQUIRE(child);
  REQUIRE(::write(go.in.number(), "\n", 1) == 1);
  told.in = Descriptor{};
  CHECK(all_of(told.out) == std::to_string(limit / 1024) + "\n");
}

TEST_CASE("what a child has started is killed with it", "[child_process]") {
  Pipe alive = pipe_of(O_CLOEXEC);
  auto plan = shell("sleep 1000 & echo started >&3; wait");
  plan.descriptors = {alive.in.number()};
  {
    auto child = ChildProcess::start(plan);
    REQUIRE(child);
    alive.in = Descriptor{};
    std::array<char, 8> room{};
    REQUIRE(::read(alive.out.number(), room.data(), room.size()) == 8);
  }
  // The end of the pipe comes when the last process that holds it is gone.
  CHECK(all_of(alive.out).empty());
}

TEST_CASE("a child whose starter dies is told by the end of its socket", "[child_process]") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
  Descriptor ours{ends[0]};
  Descriptor theirs{ends[1]};
  auto plan = shell("cat <&3 >/dev/null; exit 7");
  plan.descriptors = {theirs.number()};
  auto child = ChildProcess::start(plan);
  REQUIRE(child);
  theirs = Descriptor{};
  CHECK(child->wait(seconds{0}) == std::nullopt);
  ours = Descriptor{};
  CHECK(child->wait(long_enough) == exited(7));
}

TEST_CASE("[F120] what cannot be started is refused and leaves nothing open", "[child_process]") {
  const std::size_t before = descriptors_here();
  const auto missing = ChildProcess::start({.command = {"/no/such/program"}});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code() == Errc::bad_argument);
  CHECK(missing.error().text().find("/no/such/program") != std::string::npos);

  const auto empty = ChildProcess::start({});
  REQUIRE_FALSE(empty);
  CHECK(empty.error().code() == Errc::bad_argument);

  auto closed = shell("exit 0");
  closed.descriptors = {1'000'000};
  const auto not_open = ChildProcess::start(closed);
  REQUIRE_FALSE(not_open);
  CHECK(not_open.error().code() == Errc::bad_argument);

  rlimit usual{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
  const rlimit none{3, usual.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto exhausted = ChildProcess::start(shell("exit 0"));
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &usual) == 0);
  REQUIRE_FALSE(exhausted);
  CHECK(exhausted.error().code() == Errc::resource_exhausted);
  CHECK(descriptors_here() == before);
}

TEST_CASE("children leave no descriptor and no process behind", "[child_process]") {
  const std::size_t before = descriptors_here();
  for (int i = 0; i < 20; ++i) {
    auto child = ChildProcess::start(shell(i % 2 == 0 ? "exit 0" : "exec sleep 1000"));
    REQUIRE(child);
  }
  CHECK(descriptors_here() == before);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("an end that somebody else has taken is told as unknown", "[child_process]") {
  auto child = ChildProcess::start(shell("exit 0"));
  REQUIRE(child);
  REQUIRE(::waitpid(child->pid(), nullptr, 0) == child->pid());
  CHECK(child->wait(long_enough) == ChildEnd{});
  child->kill();
}

}  // namespace theus
