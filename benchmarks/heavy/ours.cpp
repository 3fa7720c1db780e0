#include "benchmarks/heavy_load.hpp"
#include "shm/arena.hpp"
#include "shm/reader.hpp"

#include <fcntl.h>
#include <cstring>
#include <string>

namespace theus::bench {
namespace {

void receive(shm::Reader& reader, Board& board) {
  for (std::uint64_t number = 1;; ++number) {
    for (;;) {
      auto lease = reader.try_take().value();
      if (!lease)
        continue;
      std::uint64_t first = 0;
      std::memcpy(&first, lease->bytes().data(), sizeof first);
      if (first != number)
        ::_exit(1);
      tell_seen(board, number);
      break;
    }
  }
}

}  // namespace

Timings hand_over_ours(const HandOver& load) {
  auto arena = shm::Arena::create().value();
  const HeavyShape shape{load.bytes};
  {
    const auto warm = arena->lend(load.bytes).value();  // makes the segment
    std::memset(warm.bytes().data(), 1, warm.bytes().size());
  }
  const SharedBoard board;
  int gate[2];
  if (::pipe(gate) != 0)
    throw std::runtime_error("pipe");
  const Receiver receiver{[&] {
    // It cannot be admitted before it exists; it inherits the descriptors that are made then by number.
    int numbers[2];
    if (::read(gate[0], numbers, sizeof numbers) != sizeof numbers)
      ::_exit(1);
    const auto open_of_parent = [](int number) {
      const std::string path = "/proc/" + std::to_string(::getppid()) + "/fd/" + std::to_string(number);
      return Descriptor{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    };
    auto reader = shm::Reader::attach(open_of_parent(numbers[0]), open_of_parent(numbers[1])).value();
    for (std::uint32_t segment = 1; segment <= 2; ++segment)
      if (auto file = arena->segment_file(segment))
        reader.attach_segment(segment, *file).value();
    receive(reader, *board);
  }};
  const auto consumer = arena->admit(shm::living_process(receiver.pid()).value()).value();
  const auto table = arena->table_file().value();
  const auto leases = arena->lease_file(consumer).value();
  const int numbers[] = {table.number(), leases.number()};
  if (::write(gate[1], numbers, sizeof numbers) != sizeof numbers)
    throw std::runtime_error("write");
  const Timings timings = timings_of(load, *board, [&](std::uint64_t number) {
    auto loan = arena->lend(load.bytes).value();
    std::memcpy(loan.bytes().data(), &number, sizeof number);
    arena->deliver(consumer, arena->publish(std::move(loan), HeavyType::u8, shape).value()).value();
  });
  ::close(gate[0]);
  ::close(gate[1]);
  return timings;
}

}  // namespace theus::bench
