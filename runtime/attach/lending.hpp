#pragma once

#include "runtime/sha256.hpp"

#include <theus/result.hpp>
#include <theus/value.hpp>

#include <chrono>
#include <memory>
#include <span>

namespace theus {

/// Of what goes over at once, so that nobody else waits longer than for that.
inline constexpr std::size_t chunk_bytes_max = std::size_t{256} << 10;

/// A heavy buffer in the owner's memory. It stays as it is as long as the keeper.
struct LentBuffer {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> keeper;
};

/// A buffer on its way to one client that cannot map it: read once, from its beginning to its end, chunk by chunk.
/// Belongs to one thread.
class Lending {
public:
  using Time = std::chrono::steady_clock::time_point;

  Lending(LentBuffer buffer, Time now) noexcept : buffer_(std::move(buffer)), progress_(now) {}

  std::uint64_t bytes() const noexcept { return buffer_.bytes.size(); }
  /// The chunk that begins there. Refuses (bad_argument) any place but the one where the last chunk ended.
  Result<std::span<const std::byte>> chunk(std::uint64_t from, Time now);
  /// Of all chunks. Refuses (bad_argument) before the last one was read.
  Result<Digest> digest();
  /// When it began, or its last chunk was read.
  Time progress() const noexcept { return progress_; }

private:
  LentBuffer buffer_;
  std::uint64_t read_ = 0;
  Sha256 hash_;
  Time progress_;
};

class AttachTarget;
struct AttachedClient;

// The requests of protocol.hpp by which a client fetches a buffer.
Result<Value> lend(AttachTarget& target, AttachedClient& client, const Value& request);
Result<Value> fetch(AttachTarget& target, AttachedClient& client, const Value& request);
Result<Value> give_back(AttachTarget& target, AttachedClient& client, const Value& request);

}  // namespace theus
