#pragma once

#include <spawn.h>
#include <sys/wait.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

/// A process that is started, and killed with this unless it has ended.
class Child {
public:
  explicit Child(std::vector<std::string> words) {
    std::vector<char*> arguments;
    for (std::string& word : words)
      arguments.push_back(word.data());
    arguments.push_back(nullptr);
    if (::posix_spawn(&pid_, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0)
      throw std::runtime_error("cannot start " + words[0]);
  }
  ~Child() {
    if (pid_ == 0)
      return;
    kill();
    ::waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void kill() const noexcept { ::kill(pid_, SIGKILL); }
  /// Whether it has ended, by whatever way.
  bool has_ended() noexcept {
    if (pid_ != 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_)
      pid_ = 0;
    return pid_ == 0;
  }

private:
  pid_t pid_ = 0;
};
