#include "runtime/isolated/packets.hpp"

#include "runtime/cbor.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace theus {
namespace {

// Well below what a socket takes at once by default (net.core.wmem_default), headers included.
constexpr std::size_t inline_bytes_max = std::size_t{48} << 10;
constexpr std::size_t head_bytes = 3;
constexpr std::size_t buffer_bytes = sizeof(HeavyRef) + sizeof(std::uint64_t);
constexpr std::byte inlined{0};
constexpr std::byte in_file{1};
// A value as deep as the state may be, inside of what a message wraps it in.
constexpr CborLimits limits{.bytes_max = message_bytes_max, .depth_max = 72};

Error failed(Errc code, const std::string& what, int number) {
  return {code, "a worker's socket", what + ": " + std::generic_category().message(number),
          "Look in the log for what became of the worker"};
}

Error hostile(const char* what) {
  return {Errc::bad_input, "a worker's message", what, "Build the worker's program and the engine's from one version"};
}

/// All of the bytes, from the front of the file.
bool write_whole(int file, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(file, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR)
      continue;
    if (put <= 0)
      return false;
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return true;
}

// Read, not mapped: a file that shrinks meanwhile then makes a short read and no SIGBUS.
Result<std::vector<std::byte>> read_file(const Descriptor& file) {
  struct stat found {};
  if (::fstat(file.number(), &found) != 0 || !S_ISREG(found.st_mode))
    return hostile("what came along is no file");
  if (found.st_size <= 0 || static_cast<std::uint64_t>(found.st_size) > message_bytes_max)
    return hostile("it is larger than messages may be");
  std::vector<std::byte> bytes(static_cast<std::size_t>(found.st_size));
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t got = ::pread(file.number(), bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return hostile("its file is shorter than it said");
    at += static_cast<std::size_t>(got);
  }
  return bytes;
}

void append(std::vector<std::byte>& packet, const auto& part) {
  const auto bytes = std::as_bytes(std::span{&part, 1});
  packet.insert(packet.end(), bytes.begin(), bytes.end());
}

/// The buffers that a packet lists behind its head, with the last files of those that came.
std::vector<PassedBuffer> buffers_in(std::span<const std::byte> listed, std::span<Descriptor> files) {
  std::vector<PassedBuffer> buffers(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto entry = listed.subspan(i * buffer_bytes, buffer_bytes);
    std::memcpy(&buffers[i].ref, entry.data(), sizeof(HeavyRef));
    std::memcpy(&buffers[i].offset, entry.data() + sizeof(HeavyRef), sizeof(std::uint64_t));
    buffers[i].file = std::move(files[i]);
  }
  return buffers;
}

Status sent(ssize_t bytes) {
  if (bytes >= 0)
    return {};
  const int number = errno;
  return failed(number == EAGAIN || number == ENOBUFS ? Errc::overloaded : Errc::peer_down, "sendmsg", number);
}

}  // namespace

Result<std::vector<std::byte>> encode_body(const Value& value) {
  if (encoded_size(value, message_bytes_max) > message_bytes_max)
    return Error{Errc::too_large, "an isolated body",
                 "what it is given, or gives, takes more than " + std::to_string(message_bytes_max) + " bytes",
                 "Declare fewer inputs, or split the work"}
        .with("limit", message_bytes_max);
  return to_cbor(value);
}

Result<Value> decode_body(std::span<const std::byte> body) { return from_cbor(body, limits); }

Status send_message(int socket, PacketKind kind, std::span<const std::byte> body,
                    std::span<const PassedBuffer> buffers) {
  assert(buffers.size() <= passed_buffers_max);
  std::vector<std::byte> packet{static_cast<std::byte>(kind), inlined, static_cast<std::byte>(buffers.size())};
  std::vector<int> passed;
  Descriptor file;
  if (body.size() > inline_bytes_max) {
    packet[1] = in_file;
    file = Descriptor{::memfd_create("theus-message", MFD_CLOEXEC)};
    if (!file || !write_whole(file.number(), body))
      return failed(Errc::resource_exhausted, "a memory file", errno);
    passed.push_back(file.number());
  }
  for (const PassedBuffer& buffer : buffers) {
    append(packet, buffer.ref);
    append(packet, buffer.offset);
    passed.push_back(buffer.file.number());
  }
  if (!file)
    packet.insert(packet.end(), body.begin(), body.end());
  return sent(send_with(socket, packet, passed, 0));
}

WorkerMessageReader::WorkerMessageReader() : room_(head_bytes + passed_buffers_max * buffer_bytes + inline_bytes_max) {}

Result<std::optional<WorkerMessage>> WorkerMessageReader::next(int socket, int flags) {
  std::vector<Descriptor> files;
  ssize_t got = receive_with(socket, room_, files, flags);
  // Told once, before what was sent earlier can be read, when the other side left without reading all of ours.
  if (got < 0 && errno == ECONNRESET)
    got = receive_with(socket, room_, files, flags);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return std::optional<WorkerMessage>{};
  if (got < 0 && errno == EMSGSIZE)
    return hostile("a packet is too large, or brings too many descriptors");
  if (got <= 0)
    return failed(Errc::peer_down, "recvmsg", got == 0 ? EPIPE : errno);
  const auto packet = std::span{room_}.first(static_cast<std::size_t>(got));
  if (packet.size() < head_bytes || packet[0] < std::byte{1} || packet[0] > static_cast<std::byte>(PacketKind::failed))
    return hostile("its head is of no known kind");
  WorkerMessage message{.kind = static_cast<PacketKind>(packet[0]), .body = {}};
  const auto count = static_cast<std::size_t>(packet[2]);
  const std::size_t body_at = head_bytes + count * buffer_bytes;
  const std::size_t body_files = packet[1] == in_file ? 1 : 0;
  if (packet[1] > in_file || packet.size() < body_at || files.size() != body_files + count ||
      (packet[1] == in_file && packet.size() != body_at))
    return hostile("what it brings along does not fit its head");
  if (count > 0 && message.kind != PacketKind::call && message.kind != PacketKind::done)
    return hostile("a message of its kind brings no buffers");
  message.buffers = buffers_in(packet.subspan(head_bytes), std::span{files}.subspan(body_files));
  if (packet[1] == inlined) {
    message.body.assign(packet.begin() + static_cast<std::ptrdiff_t>(body_at), packet.end());
    return std::optional{std::move(message)};
  }
  auto body = read_file(files.front());
  if (!body)
    return body.error();
  message.body = *std::move(body);
  return std::optional{std::move(message)};
}

}  // namespace theus
