#pragma once

#include "runtime/descriptor.hpp"

#include <theus/result.hpp>

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

namespace theus {

/// Puts messages together from packets (see protocol.hpp). Holds at most one message of `bytes_max` bytes.
class MessageReader {
public:
  explicit MessageReader(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// The message that the packet completes, or nothing when more packets belong to it. Refuses (bad_input, too_large)
  /// what is no packet and what is longer than allowed; the reader is of no use then.
  Result<std::optional<std::vector<std::byte>>> add(std::span<const std::byte> packet);

  /// Whether a message has begun to arrive.
  bool has_begun() const noexcept { return !message_.empty(); }

private:
  std::size_t bytes_max_;
  std::vector<std::byte> message_;
};

/// Cuts messages into packets and keeps those that could not be sent yet.
class MessageWriter {
public:
  /// The descriptors go with its first packet.
  void add(std::vector<std::byte> message, std::vector<Descriptor> descriptors = {});

  bool empty() const noexcept { return waiting_.empty(); }
  std::size_t messages() const noexcept { return waiting_.size(); }
  /// What goes with the next packet. REQUIRES: !empty().
  std::vector<int> descriptors() const;

  /// The next packet to send; valid until the next call of any member. REQUIRES: !empty().
  std::span<const std::byte> packet();
  /// It was sent.
  void sent();

private:
  struct Message {
    std::vector<std::byte> bytes;
    std::vector<Descriptor> descriptors;
  };

  std::deque<Message> waiting_;
  std::size_t sent_bytes_ = 0;     // of the first message
  std::vector<std::byte> packet_;  // as it goes out, or empty
};

}  // namespace theus
