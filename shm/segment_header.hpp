#pragma once

// The first page of everything that this layer shares between processes.
//
//   magic | abi | kind | layout hash | segment | reserved | zone | uuid | size | owner pid, start | data: offset, bytes
//   | crc
//
// Invariants: (1) A receiver reads the header into memory of its own and checks it, with the file's size and seals,
// before it maps anything. (2) It refuses; it never waits for a header to become right. (3) The crc covers all that
// stands before it; it finds accidents, while the seals keep out what is done on purpose.

#include "runtime/descriptor.hpp"
#include "shm/process_identity.hpp"

#include <theus/result.hpp>

#include <array>
#include <cstddef>

namespace theus::shm {

enum class SegmentKind : std::uint32_t {
  pool = 1,    ///< blocks of one owner, who goes on writing new ones
  single = 2,  ///< one block, made by another process and sealed against everybody
  table = 3,   ///< the owner's block table
  leases = 4,  ///< one consumer's leases; the owner and that consumer write
};

struct SegmentHeader {
  static constexpr std::uint64_t expected_magic = 0x5448455553534547;  // "THEUSSEG"
  static constexpr std::uint32_t expected_abi = 2;
  static constexpr std::size_t page_bytes = 4096;

  std::uint64_t magic = expected_magic;
  std::uint32_t abi = expected_abi;
  SegmentKind kind = SegmentKind::pool;
  std::uint64_t layout = 0;
  std::uint32_t segment = 0;
  std::uint32_t reserved = 0;
  std::uint64_t zone = 0;
  std::array<std::uint64_t, 2> uuid{};
  std::uint64_t size = 0;
  std::int64_t owner_pid = 0;
  std::uint64_t owner_started = 0;
  std::uint64_t data_offset = page_bytes;
  std::uint64_t data_bytes = 0;
  std::uint32_t crc = 0;
  std::uint32_t padding = 0;

  ProcessIdentity owner() const noexcept { return {static_cast<pid_t>(owner_pid), owner_started}; }
};
static_assert(sizeof(SegmentHeader) == 104 && std::is_trivially_copyable_v<SegmentHeader>);

/// A header of this process, complete but for what the caller knows: kind, segment, zone, sizes, and then seal().
SegmentHeader new_header();
/// With the crc over what now stands in it.
SegmentHeader sealed(SegmentHeader header);

/// What the kernel says of the file that holds a segment.
struct FileFacts {
  std::uint64_t size = 0;
  std::uint64_t bytes_backed = 0;  ///< by memory; less than `size` when there are holes
  int seals = 0;                   ///< -1: the file has none to ask for
  bool is_private = false;         ///< ours, a regular file, nobody else may open it
};
Result<FileFacts> facts_of(const Descriptor& file);

/// Refuses (bad_handle) what cannot be a whole segment of the kind. Pure.
Status check_header(const SegmentHeader& header, const FileFacts& facts, SegmentKind kind);
/// Reads and checks the header of the file, without mapping it.
Result<SegmentHeader> read_header(const Descriptor& file, SegmentKind kind);

}  // namespace theus::shm
