#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace theus::bench {

/// One round's work: does it and returns the figure in the unit of its case.
using Measure = std::function<double()>;

/// The same work done by us and by others.
class Case {
public:
  Case(std::string name, std::string unit) : name_(std::move(name)), unit_(std::move(unit)) {}

  void ours(Measure measure) { ours_ = std::move(measure); }
  /// `name` is the peer_name of the results.
  void peer(std::string name, Measure measure) { peers_.push_back({std::move(name), std::move(measure), false}); }
  /// A peer that needs more than the build's own packages; measured only with --peers.
  void optional_peer(std::string name, Measure measure) {
    peers_.push_back({std::move(name), std::move(measure), true});
  }
  /// At least 1; 5 unless told.
  void rounds(int count) { rounds_ = count; }

private:
  friend class Program;
  struct Peer {
    std::string name;
    Measure measure;
    bool optional;
  };

  std::string name_;
  std::string unit_;
  Measure ours_;
  std::vector<Peer> peers_;
  int rounds_ = 5;
};

/// Whether this build has the peers that need packages of their own (THEUS_BENCHMARK_PEERS).
bool optional_peers_are_built();

/// A benchmark program: cases in the order they were added, measured in rounds in which ours and the peers alternate.
///
/// Each result is one line of JSON on stdout: bench, case, unit, ours, peer, peer_name, ratio, rounds, min, max, near.
/// `ours` and `peer` are medians; `ratio` is the median, `min` and `max` the bounds of the rounds' ours / peer; `near`
/// tells whether a cache line took under 150 ns from core to core in the median round. A case without a peer has null
/// for what a peer decides. A unit that ends in "/s" is a rate, of which more is better; any other is a time.
class Program {
public:
  explicit Program(std::string name, bool peers_built = optional_peers_are_built())
      : name_(std::move(name)), peers_built_(peers_built) {}

  /// `prepare` sets the case up; it runs just before the case is measured, and not at all when it is not wanted. What
  /// it puts into the measures lives until the case is done.
  void add(std::string case_name, std::string unit, std::function<void(Case&)> prepare);

  /// Options: --case NAME (may repeat), --rounds N, --peers (the optional ones too; refused when they are not built),
  /// --json (no table on `words`). Returns the exit code.
  int run(const std::vector<std::string_view>& options, std::ostream& results, std::ostream& words);
  int run(int argc, char** argv);

private:
  struct Options;
  struct Entry {
    std::string name;
    std::string unit;
    std::function<void(Case&)> prepare;
  };

  void measure(const Entry& entry, const Options& options, std::ostream& results, std::ostream& words) const;

  std::string name_;
  bool peers_built_;
  std::vector<Entry> entries_;
};

/// Keeps the compiler from leaving out what computes `value`.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

/// How often per second `operation` runs when repeated for at least `span`; it is timed in growing batches.
template <class Operation>
double per_second(Operation operation, std::chrono::nanoseconds span = std::chrono::milliseconds{200}) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  std::uint64_t count = 0;
  for (std::uint64_t batch = 1;; batch = batch < 4096 ? batch * 2 : batch) {
    for (std::uint64_t i = 0; i < batch; ++i)
      operation();
    count += batch;
    const auto elapsed = Clock::now() - start;
    if (elapsed >= span)
      return static_cast<double>(count) / std::chrono::duration<double>(elapsed).count();
  }
}

/// The median of how long `operation` takes, of so many calls of it, one after the other.
template <class Operation>
double median_microseconds(int calls, const Operation& operation) {
  std::vector<double> times;
  for (int i = 0; i < calls; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    operation();
    times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begun).count());
  }
  const auto middle = times.begin() + calls / 2;
  std::ranges::nth_element(times, middle);
  return *middle;
}

}  // namespace theus::bench
