#pragma once

#include "shm/lease_page.hpp"
#include "shm/process_identity.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace theus::shm {

/// What to do when a quota is full or memory is short.
enum class FullPolicy : std::uint8_t {
  fail,   ///< refuse at once
  block,  ///< wait until others let go of something, for ArenaOptions::wait_max at most
  evict,  ///< keep published blocks for their handles' sake, and drop the oldest unused ones of the same owner
};

struct ArenaOptions {
  std::uint64_t bytes_max = std::uint64_t{512} << 20;  ///< of all blocks together
  std::uint64_t owner_bytes_max = 0;                   ///< of one owner's blocks; 0: no bound of its own
  std::uint64_t consumer_bytes_max = 0;                ///< granted to one consumer at a time; 0: no bound of its own
  std::uint32_t blocks_max = 32'768;                   ///< at most 2^20
  std::size_t consumers_max = 256;
  FullPolicy policy = FullPolicy::fail;
  std::chrono::milliseconds wait_max{1000};
  bool named_segments = false;  ///< compatibility mode; see segment_name.hpp
  std::uint64_t first_generation = 1;
};

/// What a consumer held when it ended.
struct LostLeases {
  ProcessIdentity consumer;
  std::size_t leases = 0;
  std::uint64_t bytes = 0;
  std::chrono::nanoseconds age{0};  ///< of the oldest, since it was first seen
};

struct LeaseHolder {
  ProcessIdentity consumer;
  std::size_t leases = 0;
  std::uint64_t bytes = 0;
  std::chrono::nanoseconds age{0};
  bool is_over = false;  ///< over the age that was asked for, or over the consumers' quota
};

/// A block as it stands.
struct BlockReport {
  HeavyRef ref;
  std::string owner;
  BlockState state = BlockState::published;
  bool is_condemned = false;  ///< nobody here holds it any more
  std::uint64_t holds = 0;
  std::uint64_t leases = 0;
};

struct ArenaStatistics {
  std::uint64_t bytes_used = 0;      ///< of blocks, rounded up as they are
  std::uint64_t bytes_reserved = 0;  ///< of segments
  std::uint64_t bytes_max = 0;
  std::uint64_t blocks = 0;
  std::uint64_t condemned = 0;  ///< without a holder here, but leased by a consumer
  std::uint64_t segments = 0;
  std::uint64_t consumers = 0;
  std::uint64_t granted = 0;   ///< leases
  std::uint64_t lent = 0;      ///< in all
  std::uint64_t recycled = 0;  ///< in all
  std::uint64_t refused = 0;   ///< for want of space, in all
  std::uint64_t lost_leases = 0;
  bool huge_pages = false;  ///< whether the kernel gives them to segments
};

}  // namespace theus::shm
