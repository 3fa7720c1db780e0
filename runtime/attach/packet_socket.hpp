#pragma once

#include "runtime/descriptor.hpp"

#include <theus/result.hpp>

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace theus {

/// One end of a connection that keeps packets apart (AF_UNIX, SOCK_SEQPACKET). Never blocks, raises no SIGPIPE.
class PacketSocket {
public:
  enum class Outcome : std::uint8_t { done, would_block, gone };

  explicit PacketSocket(Descriptor socket) noexcept : socket_(std::move(socket)) {}

  /// To the socket `name` in the folder that the descriptor refers to, however long its path is. Nothing when nobody
  /// listens there; errno tells more, EAGAIN that too many wait already.
  static std::optional<PacketSocket> connect(int folder, const std::string& name);

  /// The descriptors, a few at most, go with it and stay ours.
  Outcome send(std::span<const std::byte> packet, std::span<const int> descriptors = {}) noexcept;
  /// Puts the next packet into `packet`; one of more than `bytes_max` bytes counts as gone. Descriptors that come with
  /// it are dropped by the kernel.
  Outcome receive(std::vector<std::byte>& packet, std::size_t bytes_max);
  /// The same, for who expects descriptors: `descriptors` gets them.
  Outcome receive(std::vector<std::byte>& packet, std::size_t bytes_max, std::vector<Descriptor>& descriptors);

  /// The user of the process at the other end, and its pid, when it connected or listened.
  std::optional<std::uint32_t> peer_uid() const noexcept;
  std::optional<pid_t> peer_pid() const noexcept;

  int number() const noexcept { return socket_.number(); }

private:
  Descriptor socket_;
};

/// Listens at a name in a folder; for the owner only. Never blocks.
class PacketListener {
public:
  /// Refuses (bad_argument) a name that is taken; whatever stands there stays.
  static Result<PacketListener> bind(int folder, const std::string& name);

  /// Nothing when nobody waits; errno tells more (EMFILE).
  std::optional<PacketSocket> accept() noexcept;

  int number() const noexcept { return socket_.number(); }

private:
  explicit PacketListener(Descriptor socket) noexcept : socket_(std::move(socket)) {}

  Descriptor socket_;
};

}  // namespace theus
