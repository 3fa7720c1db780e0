// Handing a large buffer from one process to another. The sender takes a buffer, writes its first word, and hands it
// over; the receiver spins, and reads that word. Time runs from before the taking until after the reading.

#include "benchmarks/heavy_load.hpp"
#include "shm/arena.hpp"
#include "shm/block_store.hpp"
#include "shm/reader.hpp"
#include "shm/segment_allocator.hpp"

#include <random>

namespace theus::bench {
namespace {

using Run = Timings (*)(const HandOver&);

void add_peers(Case& subject, const HandOver& load, Figure figure, int copied_count) {
  const auto measure = [figure](Run run, HandOver what) { return [=] { return figure_of(run(what), figure); }; };
  const HandOver copied{load.bytes, std::min(load.count, copied_count)};
  subject.ours(measure(hand_over_ours, load));
  subject.peer("boost", measure(hand_over_boost, load));
  subject.peer("pipe", measure(hand_over_pipe, copied));
  subject.peer("unix socket", measure(hand_over_socket, copied));
  add_packaged_heavy_peers(subject, load, figure);
  subject.rounds(9);
}

void add_hand_over(Program& program, const std::string& name, std::uint64_t bytes, int copied_count, Figure figure) {
  program.add(name, figure == Figure::rate ? "hand-overs/s" : "ns",
              [=](Case& subject) { add_peers(subject, {.bytes = bytes}, figure, copied_count); });
}

double attach_us(std::uint64_t bytes) {
  static std::unique_ptr<shm::Segment> segment;  // made once: it costs a fifth of a second per gigabyte
  constexpr std::uint32_t id = 1;
  if (segment == nullptr)
    segment = std::make_unique<shm::Segment>(shm::Segment::create({.zone = 1}, id, bytes).value());
  const auto begin = ticks();
  constexpr int times = 100;
  std::uint64_t sum = 0;
  for (int i = 0; i < times; ++i) {
    const auto header = shm::read_header(segment->file(), shm::SegmentKind::pool).value();
    const auto map = shm::Mapping::map(segment->file(), header.size, shm::Mapping::Access::read).value();
    sum += static_cast<std::uint64_t>(map.address()[0]);
  }
  const double us = static_cast<double>(ticks() - begin) * tick_ns() / 1000 / times;
  return sum > 0 ? us : 0;
}

// Takes and gives back blocks in random order, of which a few thousand live at a time.
template <class Take, class Give>
double allocations_per_second(const Take& take, const Give& give) {
  constexpr std::size_t live = 4096;
  constexpr int times = 400'000;
  std::minstd_rand random{7};
  std::vector<decltype(take())> blocks;
  for (std::size_t i = 0; i < live; ++i)
    blocks.push_back(take());
  const auto begin = ticks();
  for (int i = 0; i < times; ++i) {
    auto& block = blocks[random() % live];
    give(block);
    block = take();
  }
  return times / (static_cast<double>(ticks() - begin) * tick_ns() / 1e9);
}

double pool_rate() {
  shm::BlockStore store{{.source = {.zone = 1},
                         .reserved_bytes_max = std::uint64_t{256} << 20,
                         .blocks_max = 1U << 16,
                         .segments_max = 16}};
  return allocations_per_second([&] { return store.take(4096).value(); },
                                [&](std::uint32_t block) { store.give_back(block); });
}

double boost_allocator_rate() {
  auto segment = shm::Segment::create({.zone = 1}, 1, std::uint64_t{64} << 20).value();
  return allocations_per_second([&] { return segment.allocator().allocate(4096); },
                                [&](std::byte* piece) { segment.allocator().free(piece); });
}

}  // namespace

#ifndef THEUS_BENCHMARK_PEERS
void add_packaged_heavy_peers(Case&, const HandOver&, Figure) {}
#endif

}  // namespace theus::bench

int main(int argc, char** argv) {
  using namespace theus::bench;
  constexpr std::uint64_t kibibyte = 1024;
  Program program{"heavy"};
  add_hand_over(program, "1KiB", kibibyte, 20'000, Figure::p50);
  add_hand_over(program, "1MiB", kibibyte * kibibyte, 300, Figure::p50);
  add_hand_over(program, "64MiB", 64 * kibibyte * kibibyte, 5, Figure::p50);
  add_hand_over(program, "closed loop 1MiB", kibibyte * kibibyte, 300, Figure::rate);
  add_hand_over(program, "1MiB p99", kibibyte * kibibyte, 300, Figure::p99);
  program.add("attach 1GiB", "us",
              [](Case& subject) { subject.ours([] { return attach_us(std::uint64_t{1} << 30); }); });
  program.add("pool 4KiB", "allocations/s", [](Case& subject) {
    subject.ours(pool_rate);
    subject.peer("boost", boost_allocator_rate);
  });
  return program.run(argc, argv);
}
