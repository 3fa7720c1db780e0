#pragma once

// The owner's side of one consumer's lease page: what was granted to it, and what it acquired by itself.

#include "runtime/clock.hpp"
#include "shm/lease_page.hpp"
#include "shm/mapping.hpp"
#include "shm/process_identity.hpp"

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

namespace theus::shm {

/// Belongs to one thread at a time.
class LeaseDesk {
public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// A lease that somebody holds. `since` is when the owner first saw it, so it may be older.
  struct Held {
    LeaseWord lease = 0;
    bool granted = false;
    TimePoint since;
  };

  /// Refuses peer_down when the process has ended, no_space when there is no memory.
  static Result<LeaseDesk> open(const ProcessIdentity& consumer, std::uint64_t zone);

  const ProcessIdentity& consumer() const noexcept { return consumer_; }
  const Descriptor& watched() const noexcept { return watched_; }
  /// For the consumer, who maps it for writing.
  const Descriptor& file() const noexcept { return file_; }

  /// Sets a slot for the block and returns its number, which is not 0; nothing when all are taken. The block must not
  /// be recycled before `released` of reap() has told of it.
  std::optional<std::uint16_t> grant(LeaseWord lease) noexcept;
  /// From now on the consumer acquires nothing more.
  void close() noexcept {
    page().closed.store(1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with the one in Reader::acquire()
  }
  /// Puts a granted handle where the consumer looks for it, and wakes it if it sleeps.
  void deliver(const HeavyRef& granted, std::uint64_t offset) noexcept;

  /// Calls released(block) for grants that the consumer has let go of: of the oldest ones, at most `looks_max`.
  template <class Released>
  void reap_oldest(std::size_t looks_max, const Released& released) {
    for (; looks_max > 0 && !order_.empty() && is_clear(order_.front()); --looks_max) {
      const std::uint16_t slot = order_.front();
      order_.pop_front();
      released(let_go(slot));
    }
  }
  /// The same for all grants.
  template <class Released>
  void reap(const Released& released) {
    std::erase_if(order_, [&](std::uint16_t slot) {
      if (!is_clear(slot))
        return false;
      released(let_go(slot));
      return true;
    });
  }
  /// The same whether the consumer has let go of them or not. REQUIRES: the consumer has ended.
  template <class Released>
  void reclaim(const Released& released) {
    for (const std::uint16_t slot : order_)
      released(let_go(slot));
    order_.clear();
  }

  /// Whether the consumer has acquired exactly this use of the block. REQUIRES: a full fence since the block was
  /// closed.
  bool has_acquired(LeaseWord lease) const noexcept;
  /// All leases that it holds by now; `now` becomes the time of those that were not seen before.
  std::vector<Held> held(TimePoint now);
  std::size_t granted_count() const noexcept { return order_.size(); }

private:
  struct Grant {
    LeaseWord lease = 0;
    std::optional<TimePoint> since{};
  };

  LeaseDesk() = default;

  LeasePage& page() const noexcept { return *reinterpret_cast<LeasePage*>(map_.address() + SegmentHeader::page_bytes); }
  bool is_clear(std::uint16_t slot) const noexcept {
    return page().granted[slot].lease.load(std::memory_order_acquire) == 0;  // pairs with the release in ~Lease()
  }
  std::uint32_t let_go(std::uint16_t slot) noexcept;
  std::size_t acquired_used() const noexcept;

  ProcessIdentity consumer_;
  Descriptor watched_;
  Descriptor file_;
  Mapping map_;
  std::array<Grant, LeasePage::granted_max> grants_{};
  std::array<Grant, LeasePage::acquired_max> seen_{};  // what was in the acquired slots at the last look
  std::vector<std::uint16_t> idle_;                    // slots without a grant
  std::deque<std::uint16_t> order_;                    // slots with one, oldest first
  std::uint64_t delivered_ = 0;
};

}  // namespace theus::shm
