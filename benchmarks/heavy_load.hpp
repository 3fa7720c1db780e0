#pragma once

#include "benchmarks/harness.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <x86intrin.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <vector>

#include <sched.h>
#include <unistd.h>

namespace theus::bench {

/// What is handed from one process to another, and how often.
struct HandOver {
  std::uint64_t bytes = 0;
  int count = 20'000;
};

/// What both processes see.
struct Board {
  alignas(64) std::atomic<std::uint64_t> taken{0};    ///< hand-overs that the receiver is done with
  alignas(64) std::atomic<std::uint64_t> seen_at{0};  ///< when it had read the last one, by the cores' common counter
  alignas(64) std::atomic<std::uint64_t> handed{0};   ///< for peers that need a word of their own
  std::atomic<std::uint64_t> place{0};
};

inline std::uint64_t ticks() noexcept { return __rdtsc(); }

/// Nanoseconds per tick of the counter.
inline double tick_ns() {
  static const double ns = [] {
    using Steady = std::chrono::steady_clock;
    const auto begin = Steady::now();
    const std::uint64_t first = ticks();
    while (Steady::now() - begin < std::chrono::milliseconds{50}) {
    }
    const std::chrono::duration<double, std::nano> passed = Steady::now() - begin;
    return passed.count() / static_cast<double>(ticks() - first);
  }();
  return ns;
}

inline void stay_on(unsigned core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

/// A board in memory that a forked child shares.
class SharedBoard {
public:
  SharedBoard()
      : board_(new(::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Board) {}
  ~SharedBoard() { ::munmap(board_, sizeof(Board)); }
  SharedBoard(const SharedBoard&) = delete;
  SharedBoard& operator=(const SharedBoard&) = delete;
  Board& operator*() const noexcept { return *board_; }
  Board* operator->() const noexcept { return board_; }

private:
  Board* board_;
};

/// A forked child that runs the function on the second core; killed with this.
class Receiver {
public:
  explicit Receiver(const std::function<void()>& run) : child_(::fork()) {
    if (child_ != 0)
      return;
    stay_on(1);
    run();
    ::_exit(0);
  }
  ~Receiver() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  pid_t pid() const noexcept { return child_; }

private:
  pid_t child_;
};

struct Timings {
  double p50_ns = 0;
  double p99_ns = 0;
  double per_second = 0;  ///< one after the other, each acknowledged
};

/// Hands over one after the other: send(number) on the first core, and the receiver tells through the board when it has
/// read it. A tenth of them warms up.
inline Timings timings_of(const HandOver& load, Board& board, const std::function<void(std::uint64_t)>& send) {
  stay_on(0);
  std::vector<std::uint64_t> latencies;
  latencies.reserve(static_cast<std::size_t>(load.count));
  const std::uint64_t all = static_cast<std::uint64_t>(load.count) + static_cast<std::uint64_t>(load.count) / 10;
  std::uint64_t begin = 0;
  for (std::uint64_t number = 1; number <= all; ++number) {
    if (number == all - static_cast<std::uint64_t>(load.count) + 1)
      begin = ticks();
    const std::uint64_t sent_at = ticks();
    send(number);
    while (board.taken.load(std::memory_order_acquire) != number)
      __builtin_ia32_pause();
    if (begin != 0)
      latencies.push_back(board.seen_at.load(std::memory_order_relaxed) - sent_at);
  }
  const double seconds = static_cast<double>(ticks() - begin) * tick_ns() / 1e9;
  std::ranges::sort(latencies);
  Timings timings;
  timings.p50_ns = static_cast<double>(latencies[latencies.size() / 2]) * tick_ns();
  timings.p99_ns = static_cast<double>(latencies[latencies.size() * 99 / 100]) * tick_ns();
  timings.per_second = static_cast<double>(load.count) / seconds;
  return timings;
}

/// By the receiver, when it has read the first word of hand-over `number`.
inline void tell_seen(Board& board, std::uint64_t number) noexcept {
  board.seen_at.store(ticks(), std::memory_order_relaxed);
  board.taken.store(number, std::memory_order_release);
}

/// What one round of a case looks at.
enum class Figure { p50, p99, rate };

inline double figure_of(const Timings& timings, Figure figure) {
  switch (figure) {
    case Figure::p50: return timings.p50_ns;
    case Figure::p99: return timings.p99_ns;
    case Figure::rate: return timings.per_second;
  }
  return 0;
}

Timings hand_over_ours(const HandOver& load);
Timings hand_over_boost(const HandOver& load);
Timings hand_over_pipe(const HandOver& load);
Timings hand_over_socket(const HandOver& load);

/// The peer that needs packages of its own: iceoryx.
void add_packaged_heavy_peers(Case& subject, const HandOver& load, Figure figure);

}  // namespace theus::bench
