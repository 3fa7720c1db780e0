#include "shm/process_identity.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>

namespace theus::shm {
namespace {

// /proc/PID/stat is one line: pid (name) state ppid ... starttime; the name may hold blanks and parentheses.
std::string read_stat(pid_t pid) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(pid));
  const Descriptor file{::open(path, O_RDONLY | O_CLOEXEC)};
  char text[1024];
  const ssize_t got = file ? ::read(file.number(), text, sizeof text) : 0;
  return got > 0 ? std::string{text, static_cast<std::size_t>(got)} : std::string{};
}

}  // namespace

std::optional<ProcessIdentity> living_process(pid_t pid) {
  if (pid <= 0)
    return std::nullopt;
  const std::string stat = read_stat(pid);
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= stat.size())
    return std::nullopt;
  const char state = stat[name_end + 2];
  if (state == 'Z' || state == 'X')
    return std::nullopt;
  constexpr int fields_between = 20;  // from the name to starttime, which is field 22
  std::size_t at = name_end;
  for (int i = 0; i < fields_between && at != std::string::npos; ++i)
    at = stat.find(' ', at + 1);
  if (at == std::string::npos)
    return std::nullopt;
  return ProcessIdentity{pid, std::strtoull(stat.c_str() + at, nullptr, 10)};
}

ProcessIdentity this_process() { return living_process(::getpid()).value_or(ProcessIdentity{::getpid(), 0}); }

Descriptor watch_process(const ProcessIdentity& process) {
  Descriptor watched{static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0))};
  // Looked at after opening: from now on the descriptor means this process, so a pid that was given out again is seen.
  return watched && is_alive(process) ? std::move(watched) : Descriptor{};
}

bool has_ended(const Descriptor& watched) noexcept {
  pollfd ask{watched.number(), POLLIN, 0};
  return !watched || (::poll(&ask, 1, 0) == 1 && (ask.revents & (POLLIN | POLLHUP)) != 0);
}

bool kill_process(const Descriptor& watched) noexcept {
  return watched && ::syscall(SYS_pidfd_send_signal, watched.number(), SIGKILL, nullptr, 0) == 0;
}

}  // namespace theus::shm
