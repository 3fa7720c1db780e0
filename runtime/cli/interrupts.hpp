#pragma once

#include <csignal>

#include <atomic>
#include <functional>
#include <thread>

namespace theus::cli {

/// Holds SIGINT and SIGTERM back from the calling thread and from all threads it starts afterwards, so that only
/// Interrupts receives them. A signal that was ignored when the program started (nohup, background jobs) stays so.
class HeldSignals {
public:
  static constexpr int wake = SIGUSR1;  ///< held too: by it Interrupts ends its own wait

  HeldSignals();
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  const sigset_t& set() const noexcept { return held_; }

private:
  sigset_t held_{};
  sigset_t before_{};
};

/// The first of the held signals calls `stop`, which must return soon, on a thread of its own; the second ends the
/// process at once.
class Interrupts {
public:
  static constexpr int exit_interrupted = 130;

  Interrupts(const HeldSignals& held, std::function<void()> stop);
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  bool caught() const noexcept { return caught_; }

private:
  void wait_for_signals();

  const HeldSignals& held_;
  const std::function<void()> stop_;
  std::atomic<bool> caught_{false};
  std::atomic<bool> over_{false};
  std::thread waiting_;  // last: it uses all of the above
};

}  // namespace theus::cli
