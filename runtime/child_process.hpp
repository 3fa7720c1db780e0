#pragma once

#include "runtime/descriptor.hpp"

#include <theus/result.hpp>

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace theus {

/// How a process came to its end.
struct ChildEnd {
  enum class Kind : std::uint8_t {
    exited,   ///< number: its exit code
    killed,   ///< number: the signal
    unknown,  ///< somebody else in this program waits for all children and took the answer
  };
  Kind kind = Kind::unknown;
  int number = 0;

  /// "exit code 3", "signal 9 (Killed)"
  std::string text() const;
  friend bool operator==(const ChildEnd&, const ChildEnd&) = default;
};

/// What a process is started with.
struct ChildPlan {
  /// The program, by its path, and its arguments.
  std::vector<std::string> command;
  /// What is started in place of the path that the command begins with, which is then only what it is called.
  std::string file{};
  /// "NAME=value", instead of what this process has of that name; all else of its environment is inherited.
  std::vector<std::string> environment{};
  /// Descriptors it gets, as numbers 3, 4, ... in this order, whatever their numbers and flags are here. It gets no
  /// other one of ours, whether that is closed on exec or not.
  std::vector<int> descriptors{};
  /// Where its standard output goes; its standard error is always ours, and its input is empty.
  int output = 2;
  /// Address space, in bytes; 0: ours.
  std::uint64_t memory_bytes_max = 0;
  /// Processor time of all its threads, to whole seconds: at the limit the kernel kills it. 0: ours.
  std::chrono::seconds processor_time_max{0};
};

/// A process that we have started: by posix_spawn, for a fork among threads is no ground to run on. It leads a process
/// group of its own, so that keys of the terminal do not reach it, and what it starts is killed with it.
///
/// Its death is a readable descriptor. As it is a child that nobody else waits for, its pid means it, and no other
/// process, until its end was taken. Should we die first, nothing kills it: give it one end of a socket, whose end it
/// can tell. One thread at a time; `kill` from any while the object lives.
class ChildProcess {
public:
  /// Refuses bad_argument (no such program, a descriptor that is not open) and resource_exhausted (no more processes,
  /// descriptors or memory). Whether it comes to run its main() can only be told by hearing from it.
  static Result<ChildProcess> start(const ChildPlan& plan);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  /// Kills it and its group if it still runs, and waits for its end, which does not take long.
  ~ChildProcess();

  pid_t pid() const noexcept { return pid_; }
  /// Readable (poll) once it has ended.
  int watched() const noexcept { return watched_.number(); }

  /// SIGKILL, to all of its group. Nothing when it has ended.
  void kill() noexcept;
  /// SIGTERM, to it alone. Nothing when it has ended.
  void terminate() noexcept;
  /// How it ended, or nothing when it runs still after `patience`; at most a day.
  std::optional<ChildEnd> wait(std::chrono::milliseconds patience);

private:
  ChildProcess(pid_t pid, Descriptor watched) noexcept : pid_(pid), watched_(std::move(watched)) {}

  void send(int signal) noexcept;

  pid_t pid_ = -1;
  Descriptor watched_;
  std::optional<ChildEnd> end_;
};

}  // namespace theus
