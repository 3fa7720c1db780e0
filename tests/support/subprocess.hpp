#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace theus::testing {

struct SubprocessOptions {
  enum class Out { pipe, closed, full_disk, broken_pipe, terminal };

  std::vector<std::string> environment{};  ///< NAME=VALUE, in addition to ours
  std::string folder{};                    ///< where it runs; empty: where we do
  Out out = Out::pipe;
  bool terminal = false;  ///< stderr is a terminal
  std::chrono::seconds watchdog{60};
};

/// What a program left behind.
struct Finished {
  int exit = 0;  ///< as a shell tells it: 128 + n after signal n
  std::string out;
  std::string err;
};

/// A program that a test runs. Whatever takes longer than the watchdog throws and tells what was read until then.
class Subprocess {
public:
  explicit Subprocess(std::vector<std::string> command, SubprocessOptions options = {});
  /// Kills the program when it still runs.
  ~Subprocess();
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  /// Waits until the program has written this to stderr, or to stdout.
  void wait_for_err(std::string_view text) { wait_for(seen_.err, text); }
  void wait_for_out(std::string_view text) { wait_for(seen_.out, text); }
  pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Presses keys at the terminal of Out::terminal, which is its stdin, too.
  void type(std::string_view keys) const;
  Finished finish();

private:
  struct Descriptor {
    int number = -1;
    Descriptor() = default;
    explicit Descriptor(int open) : number(open) {}
    Descriptor(Descriptor&& other) noexcept : number(std::exchange(other.number, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
      std::swap(number, other.number);
      return *this;
    }
    ~Descriptor() { close(); }
    void close();
  };
  struct Ends {
    Descriptor ours;
    Descriptor theirs;
  };

  static Ends pipe_ends();
  static Ends terminal_ends();
  void spawn(std::vector<std::string> command, const SubprocessOptions& options);
  /// Reads what there is; returns whether the program still runs or may have written more.
  bool read_more();
  void wait_for(const std::string& seen, std::string_view text);
  static void read_into(Descriptor& from, std::string& text);

  const std::string name_;
  const std::chrono::steady_clock::time_point deadline_;
  Descriptor out_;
  Descriptor err_;
  Descriptor process_;
  pid_t pid_ = -1;
  Finished seen_;
};

/// Runs the program to its end.
Finished run(std::vector<std::string> command, SubprocessOptions options = {});

}  // namespace theus::testing
