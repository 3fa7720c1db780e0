#pragma once

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace theus::bench {

/// What one thread did in a contest.
struct Tally {
  std::uint64_t attempts = 0;
  std::uint64_t successes = 0;
};

struct Contest {
  std::vector<Tally> threads;
  double seconds = 0;

  double successes_per_second() const {
    std::uint64_t sum = 0;
    for (const Tally& tally : threads)
      sum += tally.successes;
    return static_cast<double>(sum) / seconds;
  }
};

/// Lets `threads` clients try until `span` is over: make_client(thread) gives a client, each call of it is one attempt
/// and tells whether it succeeded.
template <class MakeClient>
Contest contest(unsigned threads, const MakeClient& make_client,
                std::chrono::milliseconds span = std::chrono::milliseconds{300}) {
  Contest result;
  result.threads.resize(threads);
  std::atomic<bool> is_over{false};
  std::barrier start{static_cast<std::ptrdiff_t>(threads + 1)};
  std::vector<std::thread> running;
  for (unsigned thread = 0; thread < threads; ++thread)
    running.emplace_back([&, thread] {
      auto client = make_client(thread);
      Tally tally;
      start.arrive_and_wait();
      while (!is_over.load(std::memory_order_relaxed)) {
        ++tally.attempts;
        tally.successes += client() ? 1 : 0;
      }
      result.threads[thread] = tally;
    });
  start.arrive_and_wait();
  const auto begin = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(span);
  is_over.store(true, std::memory_order_relaxed);
  for (std::thread& thread : running)
    thread.join();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

/// The value below which the given share of the samples lies. REQUIRES: there are samples.
inline double quantile(std::vector<double> samples, double share) {
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(samples.size() - 1));
  std::ranges::nth_element(samples, samples.begin() + at);
  return samples[static_cast<std::size_t>(at)];
}

}  // namespace theus::bench
