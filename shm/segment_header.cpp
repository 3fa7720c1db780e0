#include "shm/segment_header.hpp"

#include "shm/lease_page.hpp"
#include "shm/refusal.hpp"
#include "shm/segment_file.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <cstring>

#include <boost/crc.hpp>

namespace theus::shm {
namespace {

// Whatever both sides must agree on without saying so.
constexpr std::uint64_t layout_hash() {
  constexpr std::uint64_t offset_basis = 0xcbf29ce484222325;
  constexpr std::uint64_t prime = 0x100000001b3;
  std::uint64_t hash = offset_basis;
  for (const std::uint64_t fact :
       {sizeof(SegmentHeader), offsetof(SegmentHeader, crc), sizeof(BlockEntry), offsetof(BlockEntry, epoch),
        sizeof(LeasePage), offsetof(LeasePage, granted), offsetof(LeasePage, acquired), offsetof(LeasePage, deliveries),
        LeasePage::granted_max, LeasePage::acquired_max, std::size_t{block_bits}, sizeof(HeavyRef)})
    hash = (hash ^ fact) * prime;
  return hash;
}

std::uint32_t crc_of(const SegmentHeader& header) {
  boost::crc_32_type crc;
  crc.process_bytes(&header, offsetof(SegmentHeader, crc));
  return crc.checksum();
}

Status refuse(std::string cause) { return bad_handle("a segment was refused: " + std::move(cause)); }

// What must be sealed so that a file can neither shrink under a reader nor be changed by one.
int seals_of(SegmentKind kind) {
  switch (kind) {
    case SegmentKind::pool:
    case SegmentKind::table: return F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE;
    case SegmentKind::single: return F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    case SegmentKind::leases: return F_SEAL_SHRINK | F_SEAL_GROW;
  }
  return -1;
}

}  // namespace

SegmentHeader new_header() {
  SegmentHeader header;
  header.layout = layout_hash();
  const ProcessIdentity self = this_process();
  header.owner_pid = self.pid;
  header.owner_started = self.started;
  while (::getrandom(header.uuid.data(), sizeof header.uuid, 0) != static_cast<ssize_t>(sizeof header.uuid)) {
  }
  return header;
}

SegmentHeader sealed(SegmentHeader header) {
  header.crc = crc_of(header);
  return header;
}

Result<FileFacts> facts_of(const Descriptor& file) {
  struct stat status {};
  if (::fstat(file.number(), &status) != 0)
    return from_kernel("fstat", errno);
  constexpr std::uint64_t block_bytes = 512;
  FileFacts facts;
  facts.size = static_cast<std::uint64_t>(status.st_size);
  facts.bytes_backed = static_cast<std::uint64_t>(status.st_blocks) * block_bytes;
  facts.seals = ::fcntl(file.number(), F_GET_SEALS);
  facts.is_private = S_ISREG(status.st_mode) && status.st_uid == ::geteuid() &&
                     ((status.st_mode & 0777) == private_mode || status.st_nlink == 0);
  return facts;
}

Status check_header(const SegmentHeader& header, const FileFacts& facts, SegmentKind kind) {
  if (header.magic != SegmentHeader::expected_magic)
    return refuse("it is no segment of ours");
  if (header.abi != SegmentHeader::expected_abi || header.layout != layout_hash())
    return refuse("it was made by another version");
  if (header.crc != crc_of(header))
    return refuse("its header is damaged");
  if (header.kind != kind)
    return refuse("it is of another kind");
  if (header.size != facts.size || header.size < SegmentHeader::page_bytes)
    return refuse("its size is not what its header says");
  if (header.data_offset < SegmentHeader::page_bytes || header.data_offset > header.size ||
      header.data_bytes > header.size - header.data_offset)
    return refuse("its data do not lie within it");
  if (facts.bytes_backed < facts.size)
    return refuse("it has holes");
  // F_SEAL_SEAL alone is what a file of a tmpfs that is no memfd tells.
  const bool can_be_sealed = facts.seals >= 0 && facts.seals != F_SEAL_SEAL;
  const bool is_named_pool = kind == SegmentKind::pool && !can_be_sealed && facts.is_private;
  if (!is_named_pool && (facts.seals < 0 || (facts.seals & seals_of(kind)) != seals_of(kind)))
    return refuse("it is not sealed");
  if (header.zone == 0 || header.owner_pid <= 0)
    return refuse("it has no owner");
  return {};
}

Result<SegmentHeader> read_header(const Descriptor& file, SegmentKind kind) {
  const auto facts = facts_of(file);
  if (!facts)
    return facts.error();
  SegmentHeader header;
  if (::pread(file.number(), &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header))
    return bad_handle("a segment was refused: it has no header");
  if (auto status = check_header(header, *facts, kind); !status)
    return status.error();
  return header;
}

}  // namespace theus::shm
