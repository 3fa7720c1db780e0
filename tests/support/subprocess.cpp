#include "tests/support/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace theus::testing {
namespace {

int checked(int result, const char* call) {
  if (result == -1)
    throw std::system_error{errno, std::generic_category(), call};
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts)
    all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

std::vector<std::string> environment_with(const std::vector<std::string>& added) {
  std::vector<std::string> all = added;
  for (char** entry = environ; *entry != nullptr; ++entry)
    all.emplace_back(*entry);
  return all;
}

}  // namespace

void Subprocess::Descriptor::close() {
  if (number != -1)
    ::close(std::exchange(number, -1));
}

Subprocess::Subprocess(std::vector<std::string> command, SubprocessOptions options)
    : name_(command.front()), deadline_(std::chrono::steady_clock::now() + options.watchdog) {
  spawn(std::move(command), options);
}

Subprocess::~Subprocess() {
  if (pid_ == -1)
    return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Subprocess::spawn(std::vector<std::string> command, const SubprocessOptions& options) {
  using Out = SubprocessOptions::Out;
  const bool has_terminal = options.out == Out::terminal;
  Ends out = has_terminal ? terminal_ends() : pipe_ends();
  Ends err = options.terminal ? terminal_ends() : pipe_ends();

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (has_terminal)
    posix_spawn_file_actions_adddup2(&actions, out.theirs.number, STDIN_FILENO);
  else
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, err.theirs.number, STDERR_FILENO);
  if (!options.folder.empty())
    posix_spawn_file_actions_addchdir_np(&actions, options.folder.c_str());
  if (options.out == Out::closed)
    posix_spawn_file_actions_addclose(&actions, STDOUT_FILENO);
  else if (options.out == Out::full_disk)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/full", O_WRONLY, 0);
  else
    posix_spawn_file_actions_adddup2(&actions, out.theirs.number, STDOUT_FILENO);
  if (options.out == Out::broken_pipe)
    out.ours.close();

  auto environment = environment_with(options.environment);
  const int failed = posix_spawn(&pid_, command.front().c_str(), &actions, nullptr, pointers(command).data(),
                                 pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    throw std::system_error{failed, std::generic_category(), command.front()};
  process_ = Descriptor{checked(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)), "pidfd_open")};
  out_ = std::move(out.ours);
  err_ = std::move(err.ours);
}

Subprocess::Ends Subprocess::pipe_ends() {
  std::array<int, 2> ends{};
  checked(pipe2(ends.data(), O_CLOEXEC), "pipe2");
  return {Descriptor{ends[0]}, Descriptor{ends[1]}};
}

Subprocess::Ends Subprocess::terminal_ends() {
  Descriptor ours{checked(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), "posix_openpt")};
  checked(grantpt(ours.number), "grantpt");
  checked(unlockpt(ours.number), "unlockpt");
  Descriptor theirs{checked(open(ptsname(ours.number), O_RDWR | O_NOCTTY | O_CLOEXEC), "open terminal")};
  return {std::move(ours), std::move(theirs)};
}

void Subprocess::read_into(Descriptor& from, std::string& text) {
  std::array<char, 4096> block{};
  const ssize_t got = read(from.number, block.data(), block.size());
  if (got > 0)
    text.append(block.data(), static_cast<std::size_t>(got));
  else if (got == 0 || errno != EINTR)  // a terminal ends with EIO
    from.close();
}

bool Subprocess::read_more() {
  using std::chrono::milliseconds;
  const auto left = std::chrono::duration_cast<milliseconds>(deadline_ - std::chrono::steady_clock::now());
  const bool drained = out_.number == -1 && err_.number == -1;
  std::array<pollfd, 3> events{pollfd{out_.number, POLLIN, 0}, pollfd{err_.number, POLLIN, 0},
                               pollfd{drained ? process_.number : -1, POLLIN, 0}};
  if (left <= milliseconds{0} || poll(events.data(), events.size(), static_cast<int>(left.count())) == 0)
    throw std::runtime_error{name_ + " takes too long; stdout: " + seen_.out + "; stderr: " + seen_.err};
  if (events[0].revents != 0)
    read_into(out_, seen_.out);
  if (events[1].revents != 0)
    read_into(err_, seen_.err);
  return events[2].revents == 0;
}

void Subprocess::wait_for(const std::string& seen, std::string_view text) {
  while (seen.find(text) == std::string::npos)
    if (!read_more())
      throw std::runtime_error{name_ + " ended without writing '" + std::string{text} + "'; stdout: " + seen_.out +
                               "; stderr: " + seen_.err};
}

void Subprocess::signal(int number) const { checked(kill(pid_, number), "kill"); }

void Subprocess::type(std::string_view keys) const {
  checked(static_cast<int>(write(out_.number, keys.data(), keys.size())), "write");
}

Finished Subprocess::finish() {
  while (read_more())
    continue;
  int status = 0;
  checked(waitpid(std::exchange(pid_, -1), &status, 0), "waitpid");
  seen_.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return std::move(seen_);
}

Finished run(std::vector<std::string> command, SubprocessOptions options) {
  return Subprocess{std::move(command), std::move(options)}.finish();
}

}  // namespace theus::testing
