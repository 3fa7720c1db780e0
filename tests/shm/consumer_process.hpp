#pragma once

#include "runtime/descriptor_passing.hpp"
#include "shm/arena.hpp"
#include "tests/shm/consumer_protocol.hpp"

#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace theus::testing {

/// One end of a socket to a consumer process; whatever takes longer than ten seconds throws.
class Channel {
public:
  explicit Channel(Descriptor socket) : socket_(std::move(socket)) {}

  void tell(const Order& order, std::span<const HeavyRef> refs = {}, const std::vector<Descriptor>& files = {}) {
    std::vector<std::byte> text(sizeof order + refs.size_bytes());
    std::memcpy(text.data(), &order, sizeof order);
    if (!refs.empty())
      std::memcpy(text.data() + sizeof order, refs.data(), refs.size_bytes());
    std::vector<int> numbers;
    for (const Descriptor& file : files)
      numbers.push_back(file.number());
    send_packet(socket_, text, numbers).value();
  }

  struct Answer {
    Reply reply;
    std::vector<Descriptor> files;
  };
  Answer hear() {
    constexpr int patience_ms = 10'000;
    pollfd ask{socket_.number(), POLLIN, 0};
    if (::poll(&ask, 1, patience_ms) != 1)
      throw std::runtime_error{"the consumer process does not answer"};
    auto packet = receive_packet(socket_, 4096).value();
    Answer answer;
    std::memcpy(&answer.reply, packet->text.data(), sizeof answer.reply);
    answer.files = std::move(packet->descriptors);
    return answer;
  }
  Reply ask(const Order& order, std::span<const HeavyRef> refs = {}, const std::vector<Descriptor>& files = {}) {
    tell(order, refs, files);
    return hear().reply;
  }
  const Descriptor& socket() const { return socket_; }

private:
  Descriptor socket_;
};

inline std::pair<Descriptor, Descriptor> socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::runtime_error{"socketpair"};
  return {Descriptor{ends[0]}, Descriptor{ends[1]}};
}

/// A process that reads heavy buffers. Killed with this.
class ConsumerProcess {
public:
  ConsumerProcess(Channel channel, pid_t pid) : channel_(std::move(channel)), pid_(pid) {}
  ConsumerProcess(ConsumerProcess&& other) noexcept
      : channel_(std::move(other.channel_)), pid_(std::exchange(other.pid_, 0)) {}
  ~ConsumerProcess() {
    if (pid_ > 0)
      kill();
  }

  shm::ProcessIdentity identity() const { return shm::living_process(pid_).value(); }
  pid_t pid() const { return pid_; }
  Channel& channel() { return channel_; }
  void signal(int number) const { ::kill(pid_, number); }
  void kill() const { ::kill(pid_, SIGKILL); }

  /// Joins the arena and attaches all its segments.
  shm::ConsumerId join(shm::Arena& arena, std::uint32_t segments, std::uint32_t stop_after = 0) {
    const shm::ConsumerId id = arena.admit(identity()).value();
    join_as(arena, id, segments, stop_after);
    return id;
  }
  Reply join_as(shm::Arena& arena, shm::ConsumerId id, std::uint32_t segments, std::uint32_t stop_after = 0) {
    Order order{.what = Order::attach, .stop_after = stop_after};
    std::vector<Descriptor> files;
    files.push_back(arena.table_file().value());
    files.push_back(arena.lease_file(id).value());
    for (std::uint32_t segment = 1; segment <= segments; ++segment) {
      order.segments[segment - 1] = segment;
      files.push_back(arena.segment_file(segment).value());
    }
    return channel_.ask(order, {}, files);
  }

private:
  Channel channel_;
  pid_t pid_;
};

/// The program that forks consumers.
class ConsumerProgram {
public:
  ConsumerProgram() : ConsumerProgram(socket_pair()) {}
  ~ConsumerProgram() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ConsumerProgram(const ConsumerProgram&) = delete;
  ConsumerProgram& operator=(const ConsumerProgram&) = delete;

  ConsumerProcess start() {
    auto [ours, theirs] = socket_pair();
    std::vector<Descriptor> files;
    files.push_back(std::move(theirs));
    const Reply reply = channel_.ask({.what = Order::fork}, {}, files);
    return ConsumerProcess{Channel{std::move(ours)}, static_cast<pid_t>(reply.number)};
  }

private:
  explicit ConsumerProgram(std::pair<Descriptor, Descriptor> ends) : channel_(std::move(ends.first)) {
    constexpr int their_end = 3;
    std::string program = THEUS_BINARY_DIR "/bin/test_shm_consumer";
    std::string number = std::to_string(their_end);
    char* arguments[] = {program.data(), number.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends.second.number(), their_end);
    const int failed = ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
      throw std::runtime_error{"cannot start " + program};
  }

  Channel channel_;
  pid_t pid_ = 0;
};

}  // namespace theus::testing
