#pragma once

// What an engine and a worker say to each other, over a socket pair that keeps packets apart:
//
//   packet = kind (1 byte), form (1 byte), count (1 byte), so many buffers (64 bytes of a handle, 8 of an offset),
//   body: canonical CBOR, or nothing when it lies in a memory file that comes along
//
//   Files that come along: that of the body, if there is one; then that of each buffer. Only call and done have
//   buffers.
//
//   engine -> worker: terms, once; then call, one at a time
//   worker -> engine: ready or unfit, once; then per call any number of log, and one of done or failed
//
// The engine does not trust what comes: sizes are bounded, a body's file is read and never mapped, and each body is
// decoded as a value and looked at (runtime/isolated/call.hpp). A buffer's file is mapped once it is known to be sealed
// and whole (shm/segment_header.hpp).

#include "runtime/descriptor_passing.hpp"

#include <theus/value.hpp>

#include <optional>
#include <span>
#include <vector>

namespace theus {

enum class PacketKind : std::uint8_t { terms = 1, call, ready, unfit, log, done, failed };

/// Of one message, in a packet or in a file.
inline constexpr std::size_t message_bytes_max = std::size_t{64} << 20;

/// A heavy buffer that comes along: the handle by which the message names it, and where it lies.
struct PassedBuffer {
  HeavyRef ref;
  std::uint64_t offset = 0;  ///< of its first byte in the file
  Descriptor file;
};
/// With one message; the body's file needs a place of its own.
inline constexpr std::size_t passed_buffers_max = descriptors_per_packet_max - 1;

struct WorkerMessage {
  PacketKind kind = PacketKind::log;
  std::vector<std::byte> body;
  std::vector<PassedBuffer> buffers{};
};

/// Refuses with too_large.
Result<std::vector<std::byte>> encode_body(const Value& value);
Result<Value> decode_body(std::span<const std::byte> body);

/// Sends one message; the socket decides whether it waits. Refuses peer_down, overloaded, resource_exhausted. REQUIRES:
/// at most passed_buffers_max of them.
Status send_message(int socket, PacketKind kind, std::span<const std::byte> body,
                    std::span<const PassedBuffer> buffers = {});

/// Takes messages from a socket. Belongs to one thread.
class WorkerMessageReader {
public:
  WorkerMessageReader();

  /// The next message; nothing when there is none and the socket, or `flags` (recv(2)), does not wait. Refuses
  /// peer_down at the end, bad_input for what is no message of ours.
  Result<std::optional<WorkerMessage>> next(int socket, int flags);

private:
  std::vector<std::byte> room_;
};

}  // namespace theus
