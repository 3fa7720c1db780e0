#pragma once

#include "shm/block_table.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <vector>

namespace theus::shm {

class Reader;

/// A block that a consumer reads. It stays as it is until this goes.
class Lease {
public:
  Lease(Lease&& other) noexcept
      : slot_(std::exchange(other.slot_, nullptr)),
        reader_(other.reader_),
        handle_(other.handle_),
        bytes_(std::exchange(other.bytes_, {})),
        entry_(other.entry_) {}
  Lease& operator=(Lease&& other) noexcept {
    std::swap(slot_, other.slot_);
    std::swap(reader_, other.reader_);
    std::swap(handle_, other.handle_);
    std::swap(bytes_, other.bytes_);
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~Lease();

  /// Lets go of it without telling the owner: it is somebody else's.
  void abandon() noexcept { slot_ = nullptr; }

  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  HeavyType type() const noexcept { return handle_.type; }
  const HeavyShape& shape() const noexcept { return handle_.shape; }
  const std::atomic<std::uint64_t>& epoch_word() const noexcept { return entry_->epoch; }

  /// Of a block in place: what was read since is whole if this is even and still the same afterwards, and the block
  /// is not dirty. Of any other block always the same.
  std::uint64_t epoch() const noexcept;
  bool is_dirty() const noexcept;

private:
  friend class Reader;
  Lease(Reader& reader, LeasePage::Slot& slot, const Handle& handle, std::span<const std::byte> bytes,
        const BlockEntry* entry) noexcept
      : slot_(&slot), reader_(&reader), handle_(handle), bytes_(bytes), entry_(entry) {}

  LeasePage::Slot* slot_;
  Reader* reader_;
  Handle handle_;
  std::span<const std::byte> bytes_;
  const BlockEntry* entry_;
};

/// A consumer's side of another process's heavy zone. Reads what its owner lets it read and trusts no handle.
///
/// Belongs to one thread at a time, its leases included, which must not outlive it. When the owner has ended, leases
/// and what they show stay; new ones are refused.
class Reader {
public:
  /// The descriptors that Arena::table_file() and lease_file() gave, passed on. Refuses with bad_handle.
  static Result<Reader> attach(const Descriptor& table, const Descriptor& leases);

  std::uint64_t zone() const noexcept { return table_.header().zone; }
  ProcessIdentity owner() const noexcept { return table_.header().owner(); }

  /// Takes a descriptor from Arena::segment_file(). Refuses with bad_handle what is no whole segment of that zone.
  Status attach_segment(std::uint32_t id, const Descriptor& file);
  bool has_segment(std::uint32_t id) const noexcept { return segments_.contains(id); }
  /// Lets go of segments that the owner has given up, which none is that a lease leads into.
  void drop_dead_segments();

  /// A lease on what a handle names that came by any way. Refuses with bad_handle (with a field `segment` when that one
  /// must be attached first), expired_handle, heavy_lost, heavy_dirty, overloaded, peer_down.
  Result<Lease> acquire(const HeavyRef& ref);
  /// The lease that the owner granted with this handle.
  Result<Lease> take(const HeavyRef& granted);
  /// The next delivery, if there is one. Refused with bad_handle and a field `segment`, it stays the next one.
  Result<std::optional<Lease>> try_take();
  /// Waits until there is a delivery, at most for so long: spinning first, then asleep. Whether there is one.
  bool wait(std::chrono::nanoseconds timeout);

  /// From now on all that is new is refused with heavy_lost: the owner has ended.
  void orphan() noexcept { is_orphaned_ = true; }

private:
  friend class Lease;

  Reader() = default;

  LeasePage& page() const noexcept {
    return *reinterpret_cast<LeasePage*>(leases_.address() + SegmentHeader::page_bytes);
  }
  bool has_delivery() const noexcept;
  Status admit(const Handle& handle) const;
  Result<std::span<const std::byte>> find(std::uint32_t segment, std::uint64_t offset, std::uint64_t bytes) const;
  Status compare(const HeavyRef& ref, const Handle& handle, const BlockEntry& entry) const;
  void released(LeasePage::Slot& slot) noexcept;

  BlockTableView table_;
  Mapping leases_;
  std::map<std::uint32_t, Mapping> segments_;
  // The segment of the last lease; most are of the same one.
  mutable std::uint32_t last_segment_ = 0;
  mutable std::span<const std::byte> last_bytes_;
  std::vector<std::uint32_t> idle_;  // acquired slots that are free
  std::uint64_t taken_ = 0;
  bool is_orphaned_ = false;
};

}  // namespace theus::shm
