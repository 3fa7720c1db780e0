#include "runtime/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <string_view>
#include <system_error>

namespace theus {
namespace {

constexpr int first_passed = STDERR_FILENO + 1;
constexpr auto day = std::chrono::hours{24};
constexpr auto wait_for_killed = std::chrono::seconds{10};

Error not_started(const std::string& program, int number) {
  const std::string cause = "it cannot be started: " + std::generic_category().message(number);
  switch (number) {
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return {Errc::resource_exhausted, "'" + program + "'", cause, "Start fewer processes, or raise their limits"};
    default:
      return {Errc::bad_argument, "'" + program + "'", cause,
              "Give the path of a program and descriptors that are open"};
  }
}

std::string_view name_of(std::string_view assignment) { return assignment.substr(0, assignment.find('=')); }

std::vector<std::string> environment_with(const std::vector<std::string>& own) {
  std::vector<std::string> all = own;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    if (std::none_of(own.begin(), own.end(), [&](const auto& ours) { return name_of(ours) == name_of(*entry); }))
      all.emplace_back(*entry);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts)
    all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

/// The descriptors under numbers that none of them is to have in the child: else one could overwrite another before it
/// was put in its place.
Result<std::vector<Descriptor>> above_targets(const ChildPlan& plan) {
  const int beyond = first_passed + static_cast<int>(plan.descriptors.size());
  std::vector<int> wanted{plan.output};
  wanted.insert(wanted.end(), plan.descriptors.begin(), plan.descriptors.end());
  std::vector<Descriptor> all;
  for (const int number : wanted) {
    Descriptor copy{::fcntl(number, F_DUPFD_CLOEXEC, beyond)};
    if (!copy)  // EINVAL: no descriptor may have such a number
      return not_started(plan.command.front(), errno == EINVAL ? EMFILE : errno);
    all.push_back(std::move(copy));
  }
  return all;
}

/// What posix_spawn needs besides the command; the first number that is not 0 is what went wrong.
class Preparation {
public:
  Preparation() {
    note(posix_spawn_file_actions_init(&actions_));
    note(posix_spawnattr_init(&attributes_));
  }
  Preparation(const Preparation&) = delete;
  Preparation& operator=(const Preparation&) = delete;
  ~Preparation() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  void place(const std::vector<Descriptor>& copies) {
    note(posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0));
    note(posix_spawn_file_actions_adddup2(&actions_, copies.front().number(), STDOUT_FILENO));
    int next = first_passed;
    for (std::size_t i = 1; i < copies.size(); ++i)
      note(posix_spawn_file_actions_adddup2(&actions_, copies[i].number(), next++));
    // Also what this program, or a library in it, has opened without O_CLOEXEC.
    note(posix_spawn_file_actions_addclosefrom_np(&actions_, next));
  }
  /// As a program started by a shell finds things: no signal blocked or ignored.
  void part_from_us() {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    note(posix_spawnattr_setsigmask(&attributes_, &none));
    note(posix_spawnattr_setsigdefault(&attributes_, &all));
    note(posix_spawnattr_setpgroup(&attributes_, 0));
    note(
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP));
  }
  Result<pid_t> spawn(const ChildPlan& plan) {
    auto command = plan.command;
    auto environment = environment_with(plan.environment);
    pid_t pid = -1;
    if (failure_ == 0)
      note(posix_spawn(&pid, plan.file.empty() ? command.front().c_str() : plan.file.c_str(), &actions_, &attributes_,
                       pointers(command).data(), pointers(environment).data()));
    return failure_ == 0 ? Result<pid_t>{pid} : not_started(plan.command.front(), failure_);
  }

private:
  void note(int number) {
    if (failure_ == 0)
      failure_ = number;
  }

  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
  int failure_ = 0;
};

bool limit(pid_t pid, __rlimit_resource what, std::uint64_t most) {
  const rlimit both{most, most};
  // A child that has ended by now needs no limit.
  return most == 0 || ::prlimit(pid, what, &both, nullptr) == 0 || errno == ESRCH;
}

std::optional<ChildEnd> end_told_by(const siginfo_t& told) {
  switch (told.si_code) {
    case CLD_EXITED: return ChildEnd{ChildEnd::Kind::exited, told.si_status};
    case CLD_KILLED:
    case CLD_DUMPED: return ChildEnd{ChildEnd::Kind::killed, told.si_status};
    default: return std::nullopt;
  }
}

}  // namespace

std::string ChildEnd::text() const {
  switch (kind) {
    case Kind::exited: return "exit code " + std::to_string(number);
    case Kind::killed: {
      const char* name = ::sigdescr_np(number);
      return "signal " + std::to_string(number) + (name == nullptr ? "" : std::string{" ("} + name + ")");
    }
    case Kind::unknown: break;
  }
  return "an end that nobody told";
}

Result<ChildProcess> ChildProcess::start(const ChildPlan& plan) {
  if (plan.command.empty())
    return Error{Errc::bad_argument, "a process to start", "its command is empty", "Give the path of a program"};
  const auto copies = above_targets(plan);
  if (!copies)
    return copies.error();
  Preparation preparation;
  preparation.place(*copies);
  preparation.part_from_us();
  const auto pid = preparation.spawn(plan);
  if (!pid)
    return pid.error();
  ChildProcess child{*pid, Descriptor{static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0))}};
  const bool limited = limit(*pid, RLIMIT_AS, plan.memory_bytes_max) &&
                       limit(*pid, RLIMIT_CPU, static_cast<std::uint64_t>(plan.processor_time_max.count()));
  if (!child.watched_ || !limited)
    return not_started(plan.command.front(), errno);
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), watched_(std::move(other.watched_)), end_(other.end_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(watched_, other.watched_);
  std::swap(end_, other.end_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (pid_ <= 0 || end_)
    return;
  kill();
  (void)wait(wait_for_killed);
}

void ChildProcess::send(int signal) noexcept {
  if (watched_ && !end_)
    ::syscall(SYS_pidfd_send_signal, watched_.number(), signal, nullptr, 0);
}

void ChildProcess::terminate() noexcept { send(SIGTERM); }

void ChildProcess::kill() noexcept {
  if (pid_ <= 0 || end_)
    return;
  send(SIGKILL);
  // Only while nobody took its end does the number of the group mean this group.
  siginfo_t told{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &told, WEXITED | WNOHANG | WNOWAIT) == 0)
    ::kill(-pid_, SIGKILL);
}

std::optional<ChildEnd> ChildProcess::wait(std::chrono::milliseconds patience) {
  if (end_)
    return end_;
  if (watched_) {
    pollfd ended{watched_.number(), POLLIN, 0};
    const auto most = std::clamp<std::chrono::milliseconds>(patience, std::chrono::milliseconds{0}, day);
    const auto until = std::chrono::steady_clock::now() + most;
    int found = -1;
    do {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
      found = ::poll(&ended, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    } while (found < 0 && errno == EINTR);
    if (found <= 0)
      return std::nullopt;
  }
  siginfo_t told{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &told, WEXITED | (watched_ ? WNOHANG : 0)) != 0)
    end_ = ChildEnd{};
  else
    end_ = end_told_by(told);
  return end_;
}

}  // namespace theus
