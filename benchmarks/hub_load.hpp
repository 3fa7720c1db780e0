#pragma once

#include "benchmarks/harness.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstdint>
#include <limits>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace theus::bench {

/// What a round of the hub's benchmark sends; the same for ours and every peer.
struct HubLoad {
  unsigned producers = 1;
  unsigned receivers = 1;
  std::uint64_t events = 0;  // of each producer
  std::size_t capacity = 65536;
  bool structured = false;  // a name and a map of four members, instead of 64 bytes
  bool packet = false;      // a name and 104 bytes that the program has packed itself
};

/// 64 bytes that all tell their number.
struct Words {
  std::uint64_t word[8];

  static Words of(std::uint64_t number) { return {{number, number, number, number, number, number, number, number}}; }
};

/// 104 bytes, of which the second word tells the number.
struct Packet {
  std::uint64_t word[13];

  static Packet of(std::uint64_t number) { return {{0, number}}; }
};

/// The same with fewer events, for slow peers. Not so few that the ring is hardly filled more than once: until it is
/// full for the first time a producer goes ahead alone, which flatters those who are slow when they meet.
inline HubLoad shorter(HubLoad load, std::uint64_t part) {
  constexpr std::uint64_t chunk = 512;
  const std::uint64_t least = std::min<std::uint64_t>(load.events, 8 * load.capacity / load.producers);
  load.events = std::max(load.events / part, least) / chunk * chunk;
  return load;
}

/// Keeps producers less than the capacity ahead of the slowest receiver, for peers that would lose or block otherwise.
class Pace {
public:
  static constexpr std::uint64_t chunk = 512;

  Pace(std::size_t capacity, unsigned receivers) : capacity_(capacity), progress_(receivers) {}

  /// To be called before every `chunk` events of a producer.
  void before_chunk() {
    const std::uint64_t end = claimed_.count.fetch_add(chunk, std::memory_order_relaxed) + chunk;
    while (end + chunk > slowest() + capacity_)
      std::this_thread::yield();
  }
  void received(unsigned receiver, std::uint64_t count) {
    if (count % chunk == 0)
      progress_[receiver].count.store(count, std::memory_order_release);
  }

private:
  struct alignas(128) Line {
    std::atomic<std::uint64_t> count{0};
  };

  std::uint64_t slowest() const {
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    for (const Line& line : progress_)
      least = std::min(least, line.count.load(std::memory_order_acquire));
    return least;
  }

  std::size_t capacity_;
  Line claimed_;
  std::vector<Line> progress_;
};

/// Deliveries per second over all receivers. `receive(id)` returns how many events it took until the end, which
/// `finish()` announces when all producers are done.
template <class Send, class Receive, class Finish>
double deliveries_per_second(const HubLoad& load, const Send& send, const Receive& receive, const Finish& finish) {
  std::barrier start{static_cast<std::ptrdiff_t>(load.producers + load.receivers + 1)};
  std::vector<std::uint64_t> received(load.receivers);
  std::vector<std::thread> producers, receivers;
  for (unsigned id = 0; id < load.receivers; ++id)
    receivers.emplace_back([&, id] {
      start.arrive_and_wait();
      received[id] = receive(id);
    });
  for (unsigned id = 0; id < load.producers; ++id)
    producers.emplace_back([&, id] {
      start.arrive_and_wait();
      send(id);
    });
  start.arrive_and_wait();
  const auto begin = std::chrono::steady_clock::now();
  for (auto& producer : producers)
    producer.join();
  finish();
  for (auto& receiver : receivers)
    receiver.join();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  std::uint64_t sum = 0;
  for (const std::uint64_t count : received)
    sum += count;
  return static_cast<double>(sum) / elapsed.count();
}

/// The peers that need packages of their own: tokio, zeromq and signals2.
void add_packaged_hub_peers(Case& subject, const HubLoad& load, const char* tokio_case);

}  // namespace theus::bench
