#pragma once

#include "tests/shm/consumer_process.hpp"

#include <algorithm>
#include <random>
#include <sstream>

namespace theus::testing {

/// Consumers that read, acquire and hold in every way there is, killed at random moments. After each kill all blocks
/// must come back, and the allocators be whole.
class KillCampaign {
public:
  explicit KillCampaign(unsigned seed) : seed_(seed) {}

  struct Outcome {
    unsigned seed = 0;
    int kills = 0;
    int leaks = 0;
    int wrong = 0;  ///< consumers that ended by themselves: they saw a wrong byte, or crashed
    std::uint64_t lost_leases = 0;
    std::vector<std::chrono::nanoseconds> reclaims{};  ///< from the kernel's word to the last block's return

    std::chrono::nanoseconds reclaim_p99() const {
      auto sorted = reclaims;
      std::ranges::sort(sorted);
      return sorted.empty() ? std::chrono::nanoseconds{0} : sorted[(sorted.size() * 99 - 1) / 100];
    }
    std::string text() const {
      std::ostringstream out;
      out << "seed " << seed << ": " << kills << " kills, " << leaks << " leaks, " << wrong << " wrong, " << lost_leases
          << " leases lost, reclaim p99 " << std::chrono::duration<double, std::micro>{reclaim_p99()}.count() << " us";
      return out.str();
    }
  };

  Outcome run(int kills) {
    Outcome outcome{.seed = seed_};
    std::mt19937 random{seed_};
    ConsumerProgram program;
    auto arena = shm::Arena::create({.bytes_max = 2 << 20, .blocks_max = 2048}).value();
    { const auto loan = arena->lend(1).value(); }
    for (int i = 0; i < kills; ++i)
      kill_one(program, *arena, random, outcome);
    return outcome;
  }

private:
  static shm::Hold published(shm::Arena& arena, std::uint64_t number) {
    constexpr std::uint64_t bytes = 1024;
    auto loan = arena.lend(bytes).value();
    std::memcpy(loan.bytes().data(), &number, sizeof number);
    std::memcpy(loan.bytes().data() + bytes - sizeof number, &number, sizeof number);
    return arena.publish(std::move(loan), HeavyType::u8, {bytes}).value();
  }

  static void kill_one(ConsumerProgram& program, shm::Arena& arena, std::mt19937& random, Outcome& outcome) {
    using Steady = std::chrono::steady_clock;
    ConsumerProcess consumer = program.start();
    const shm::ProcessIdentity identity = consumer.identity();
    const shm::ConsumerId id = consumer.join(arena, 1);
    std::vector<shm::Hold> holds;
    std::vector<HeavyRef> refs;
    for (std::uint64_t n = 0; n < 16; ++n) {
      holds.push_back(published(arena, n));
      refs.push_back(holds.back().ref());
    }
    const Order order{.what = Order::read_for_ever, .count = random()};
    consumer.channel().ask(order, refs);
    // Goes on until a random moment; the blocks that the consumer may acquire are recycled under its hands.
    const auto end = Steady::now() + std::chrono::microseconds{random() % 600};
    std::uint64_t number = 100;
    while (Steady::now() < end) {
      (void)arena.deliver(id, published(arena, ++number));
      holds[random() % holds.size()] = published(arena, ++number);
    }
    holds.clear();
    outcome.wrong += static_cast<int>(shm::living_process(consumer.pid()) != identity);
    consumer.kill();
    pollfd ask{arena.death_signal(), POLLIN, 0};
    if (::poll(&ask, 1, 10'000) != 1)
      throw std::runtime_error{"the kernel tells of no death"};
    const auto begin = Steady::now();
    const auto lost = arena.collect();
    const auto numbers = arena.statistics();
    outcome.reclaims.push_back(Steady::now() - begin);
    ++outcome.kills;
    for (const auto& each : lost)
      outcome.lost_leases += each.leases;
    outcome.leaks +=
        static_cast<int>(numbers.blocks != 0 || numbers.bytes_used != 0 || numbers.consumers != 0 || !arena.is_sane());
  }

  unsigned seed_;
};

}  // namespace theus::testing
