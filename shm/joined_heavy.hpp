#pragma once

#include "runtime/fork_mark.hpp"
#include "shm/reader.hpp"

#include <functional>
#include <memory>
#include <mutex>

namespace theus::shm {

/// Another process's heavy zone, read here. Thread-safe. Whatever it shows keeps it alive, and so the place among the
/// readers that `fetch` stands for.
class JoinedHeavy : public std::enable_shared_from_this<JoinedHeavy> {
public:
  /// Asks the owner: for the block table and the lease page, or for a segment's file.
  using Fetch = std::function<Result<std::vector<Descriptor>>(std::optional<std::uint32_t> segment)>;

  /// Refuses with bad_handle what is no zone of the owner's, and what `fetch` refuses.
  static Result<std::shared_ptr<JoinedHeavy>> join(Fetch fetch);

  struct Seen {
    std::span<const std::byte> bytes;
    HeavyShape shape;
    std::shared_ptr<const void> keeper;
    const std::atomic<std::uint64_t>* epoch = nullptr;
  };
  /// Refuses as Reader::acquire(), heavy_lost once the owner has ended, forked in a forked child. Asks the owner when
  /// the buffer lies in memory that is not mapped yet.
  Result<Seen> look(const HeavyRef& ref);

  ProcessIdentity owner() const noexcept { return owner_; }
  bool has_owner() const noexcept { return !has_ended(owner_watched_); }

private:
  class Kept;

  JoinedHeavy(Fetch fetch, Reader reader);
  Result<Lease> acquire(const HeavyRef& ref);

  // Constant after construction.
  const Fetch fetch_;  // called with mutex_ held
  const ProcessIdentity owner_;
  const Descriptor owner_watched_;
  const ForkMark fork_mark_;

  std::mutex mutex_;
  Reader reader_;  // guarded by mutex_, and the leases with it
};

}  // namespace theus::shm
