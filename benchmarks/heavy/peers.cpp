// What the standard library of the system and Boost offer for the same work.

#include "benchmarks/heavy_load.hpp"

#include <sys/socket.h>

#include <cstring>
#include <span>

#include <boost/interprocess/indexes/iset_index.hpp>
#include <boost/interprocess/managed_external_buffer.hpp>
#include <boost/interprocess/mem_algo/rbtree_best_fit.hpp>
#include <boost/interprocess/sync/mutex_family.hpp>

namespace theus::bench {
namespace {

namespace bip = boost::interprocess;

// The fastest safe way with Boost alone: one process allocates, without locks, and both spin on a word.
using ManagedBuffer =
    bip::basic_managed_external_buffer<char, bip::rbtree_best_fit<bip::null_mutex_family, bip::offset_ptr<void>>,
                                       bip::iset_index>;

void read_all(int from, std::span<std::byte> into) {
  while (!into.empty()) {
    const ssize_t got = ::read(from, into.data(), into.size());
    if (got <= 0)
      ::_exit(1);
    into = into.subspan(static_cast<std::size_t>(got));
  }
}

void write_all(int to, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(to, bytes.data(), bytes.size());
    if (put <= 0)
      throw std::runtime_error("write");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

// Through a stream of bytes: all of them are copied in and out.
Timings through_stream(const HandOver& load, int from, int to) {
  const SharedBoard board;
  std::vector<std::byte> content(load.bytes);
  const Receiver receiver{[&] {
    for (std::uint64_t number = 1;; ++number) {
      read_all(from, content);
      std::uint64_t first = 0;
      std::memcpy(&first, content.data(), sizeof first);
      if (first != number)
        ::_exit(1);
      tell_seen(*board, number);
    }
  }};
  const Timings timings = timings_of(load, *board, [&](std::uint64_t number) {
    std::memcpy(content.data(), &number, sizeof number);
    write_all(to, content);
  });
  ::close(from);
  ::close(to);
  return timings;
}

}  // namespace

Timings hand_over_boost(const HandOver& load) {
  const std::size_t size = 3 * load.bytes + (1U << 20);
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  Timings timings;
  {
    ManagedBuffer managed{bip::create_only, memory, size};
    const SharedBoard board;
    const Receiver receiver{[&] {
      for (std::uint64_t number = 1;; ++number) {
        while (board->handed.load(std::memory_order_acquire) != number)
          __builtin_ia32_pause();
        std::uint64_t first = 0;
        std::memcpy(&first, static_cast<std::byte*>(memory) + board->place.load(std::memory_order_relaxed),
                    sizeof first);
        if (first != number)
          ::_exit(1);
        tell_seen(*board, number);
      }
    }};
    void* last = nullptr;
    timings = timings_of(load, *board, [&](std::uint64_t number) {
      if (last != nullptr)
        managed.deallocate(last);  // the receiver has acknowledged it
      last = managed.allocate_aligned(load.bytes, 64);
      std::memcpy(last, &number, sizeof number);
      board->place.store(static_cast<std::uint64_t>(static_cast<std::byte*>(last) - static_cast<std::byte*>(memory)),
                         std::memory_order_relaxed);
      board->handed.store(number, std::memory_order_release);
    });
  }
  ::munmap(memory, size);
  return timings;
}

Timings hand_over_pipe(const HandOver& load) {
  int ends[2];
  if (::pipe(ends) != 0)
    throw std::runtime_error("pipe");
  return through_stream(load, ends[0], ends[1]);
}

Timings hand_over_socket(const HandOver& load) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
    throw std::runtime_error("socketpair");
  return through_stream(load, ends[0], ends[1]);
}

}  // namespace theus::bench
