// A consumer of heavy buffers, as a process of its own, for tests that kill it.
//
// It obeys packets on the socket that its first argument names. The first process only forks others, each of which gets
// a socket of its own; so a test gets a fresh process in less than a millisecond.

#include "runtime/descriptor_passing.hpp"
#include "shm/reader.hpp"
#include "shm/sealed_buffer.hpp"
#include "tests/shm/consumer_protocol.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <random>

namespace theus::testing {
namespace {

using shm::Lease;
using shm::Reader;

constexpr std::size_t packet_bytes_max = 64 * 1024;

void reply(const Descriptor& socket, Reply answer) {
  if (!send_packet(socket, std::as_bytes(std::span{&answer, 1}), {}))
    std::_Exit(0);  // the test has gone
}

/// Whether both ends of what is read say the same; the owner writes them so.
bool is_whole(std::span<const std::byte> bytes) {
  return bytes.size() < 16 || std::memcmp(bytes.data(), bytes.data() + bytes.size() - 8, 8) == 0;
}

class Consumer {
public:
  explicit Consumer(Descriptor socket) : socket_(std::move(socket)) {}

  void obey() {
    for (;;) {
      auto packet = receive_packet(socket_, packet_bytes_max);
      if (!packet || !*packet)
        return;
      act(**packet);
    }
  }

private:
  void act(Packet& packet) {
    Order order;
    std::memcpy(&order, packet.text.data(), std::min(packet.text.size(), sizeof order));
    switch (order.what) {
      case Order::attach: return attach(packet, order);
      case Order::take: return take(order.count);
      case Order::acquire: return acquire(packet);
      case Order::release: leases_.clear(); return reply(socket_, {});
      case Order::read_for_ever: return read_for_ever(packet, order);
      case Order::attack: return reply(socket_, {.number = attack(packet)});
      case Order::build: return build(order);
      case Order::fork: return;
    }
  }

  void stop_at(const Order& order, std::uint64_t step) const {
    if (order.stop_after != step)
      return;
    reply(socket_, {.number = step});
    for (;;)
      ::pause();
  }

  void attach(Packet& packet, const Order& order) {
    stop_at(order, 1);
    auto reader = Reader::attach(packet.descriptors.at(0), packet.descriptors.at(1));
    if (!reader)
      return reply(socket_, {.error = static_cast<std::uint16_t>(reader.error().code())});
    reader_.emplace(*std::move(reader));
    stop_at(order, 2);
    for (std::size_t i = 2; i < packet.descriptors.size(); ++i)
      if (!reader_->attach_segment(order.segments[i - 2], packet.descriptors[i]))
        return reply(socket_, {.error = static_cast<std::uint16_t>(Errc::bad_handle)});
    stop_at(order, 3);
    if (order.stop_after > 3) {
      if (!reader_->wait(std::chrono::seconds{10}))
        std::_Exit(4);
      {
        auto lease = reader_->try_take();
        stop_at(order, 4);
      }
      stop_at(order, 5);
    }
    reply(socket_, {});
  }

  void take(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!reader_->wait(std::chrono::seconds{10}))
        std::_Exit(4);
      auto lease = reader_->try_take();
      if (!lease || !*lease || !is_whole((*lease)->bytes()))
        std::_Exit(3);
      leases_.push_back(**std::move(lease));
    }
    reply(socket_, {.number = count});
  }

  void acquire(const Packet& packet) {
    HeavyRef ref;
    std::memcpy(&ref, packet.text.data() + sizeof(Order), sizeof ref);
    auto lease = reader_->acquire(ref);
    if (!lease)
      return reply(socket_, {.error = static_cast<std::uint16_t>(lease.error().code())});
    const auto first = static_cast<std::uint64_t>(lease->bytes()[0]);
    leases_.push_back(*std::move(lease));
    reply(socket_, {.number = first});
  }

  // Takes what is delivered, acquires some of the handles, holds a few for a while. Ends when it is killed.
  [[noreturn]] void read_for_ever(const Packet& packet, const Order& order) {
    std::vector<HeavyRef> refs((packet.text.size() - sizeof(Order)) / sizeof(HeavyRef));
    std::memcpy(refs.data(), packet.text.data() + sizeof(Order), refs.size() * sizeof(HeavyRef));
    std::minstd_rand random{static_cast<unsigned>(order.count) + 1};
    constexpr std::size_t held_max = 20;
    reply(socket_, {});
    for (;;) {
      if (auto lease = reader_->try_take(); lease && *lease) {
        if (!is_whole((*lease)->bytes()))
          std::_Exit(3);
        leases_.push_back(**std::move(lease));
      }
      if (!refs.empty() && random() % 4 == 0)
        if (auto lease = reader_->acquire(refs[random() % refs.size()])) {
          if (!is_whole(lease->bytes()))
            std::_Exit(3);
          leases_.push_back(*std::move(lease));
        }
      while (leases_.size() > random() % held_max)
        leases_.erase(leases_.begin() + static_cast<long>(random() % leases_.size()));
    }
  }

  // Tries whatever could harm others with the descriptors that it was given. Returns a bit for each that worked.
  std::uint64_t attack(const Packet& packet) {
    std::uint64_t worked = 0;
    unsigned bit = 0;
    const auto note = [&](bool success) { worked |= std::uint64_t{success} << bit++; };
    for (const Descriptor& file : packet.descriptors) {
      const int fd = file.number();
      const std::size_t page = 4096;
      void* writable = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      note(writable != MAP_FAILED);
      void* readable = ::mmap(nullptr, page, PROT_READ, MAP_SHARED, fd, 0);
      note(readable != MAP_FAILED && ::mprotect(readable, page, PROT_READ | PROT_WRITE) == 0);
      note(::pwrite(fd, "x", 1, 0) == 1);
      note(::ftruncate(fd, 0) == 0);
      note(::ftruncate(fd, 1L << 40) == 0);
      note(::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(page)) == 0);
      const std::string again = "/proc/self/fd/" + std::to_string(fd);
      const Descriptor reopened{::open(again.c_str(), O_RDWR)};
      note(reopened && ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, reopened.number(), 0) != MAP_FAILED);
      note(reopened && ::pwrite(reopened.number(), "x", 1, 0) == 1);
      note(::open(again.c_str(), O_RDWR | O_TRUNC) >= 0);
      note(::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
    }
    return worked;
  }

  // Builds a buffer of its own; passes it on when it is told to finish.
  void build(const Order& order) {
    auto buffer = shm::SealedBuffer::create(order.count);
    if (!buffer)
      return reply(socket_, {.error = static_cast<std::uint16_t>(buffer.error().code())});
    std::ranges::fill(buffer->bytes(), std::byte{7});
    stop_at(order, 1);
    auto file = std::move(*buffer).seal();
    const int number = file->number();
    const Reply answer{};
    (void)send_packet(socket_, std::as_bytes(std::span{&answer, 1}), std::span{&number, 1});
  }

  Descriptor socket_;
  std::optional<Reader> reader_;
  std::vector<Lease> leases_;
};

// Forks a consumer for each socket that comes.
void serve(const Descriptor& socket) {
  ::signal(SIGCHLD, SIG_IGN);  // nobody waits for them, so they leave no zombies
  for (;;) {
    auto packet = receive_packet(socket, packet_bytes_max);
    if (!packet || !*packet || (*packet)->descriptors.empty())
      return;
    const pid_t child = ::fork();
    if (child == 0) {
      Consumer{std::move((*packet)->descriptors[0])}.obey();
      std::_Exit(0);
    }
    reply(socket, {.number = static_cast<std::uint64_t>(child)});
  }
}

}  // namespace
}  // namespace theus::testing

int main(int argc, char** argv) {
  if (argc != 2)
    return 2;
  theus::testing::serve(theus::Descriptor{std::atoi(argv[1])});
  return 0;
}
