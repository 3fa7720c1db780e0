#pragma once

#include <spawn.h>
#include <sys/wait.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

namespace theus::testing {

/// The program test_shm_owner with these arguments. Killed with this. An inherited descriptor has number 3 there.
class OwnerProcess {
public:
  explicit OwnerProcess(std::vector<std::string> words, int inherited = -1) {
    words.insert(words.begin(), THEUS_BINARY_DIR "/bin/test_shm_owner");
    std::vector<char*> arguments;
    for (std::string& word : words)
      arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    constexpr int their_end = 3;
    if (inherited >= 0)
      posix_spawn_file_actions_adddup2(&actions, inherited, their_end);
    const int failed = ::posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
      throw std::runtime_error{"cannot start " + words[0]};
  }
  ~OwnerProcess() { kill(); }
  OwnerProcess(const OwnerProcess&) = delete;
  OwnerProcess& operator=(const OwnerProcess&) = delete;

  pid_t pid() const { return pid_; }
  void kill() {
    if (!is_over_)
      ::kill(pid_, SIGKILL);
    wait();
  }
  /// As a shell tells it: 128 + n after signal n.
  int wait() {
    constexpr int after_signal = 128;
    if (!is_over_) {
      int status = 0;
      ::waitpid(pid_, &status, 0);
      exit_ = WIFSIGNALED(status) ? after_signal + WTERMSIG(status) : WEXITSTATUS(status);
    }
    is_over_ = true;
    return exit_;
  }

private:
  pid_t pid_ = 0;
  bool is_over_ = false;
  int exit_ = 0;
};

}  // namespace theus::testing
