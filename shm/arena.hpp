#pragma once

// The owner of heavy buffers.
//
//   loan -> build in place -> publish -> held and leased -> recycled: the next generation
//
// Invariants:
//   (1) Only this process allocates, and only the holder of a Loan writes its block; nobody writes it after publish(),
//       but for blocks in place.
//   (2) A block lives while somebody in this process holds it (Hold), which includes a hold per granted lease, or a
//       consumer's slot names it. Holds are counted without a lock; the last one to go puts the block on a list
//       (`released_`), which the next caller that has the lock works off.
//   (3) Recycling closes the entry first, with the next generation, and looks at the acquired leases after a fence. A
//       block that is leased then is condemned: nobody new gets it, and it is looked at again later.
//   (4) Leases of living processes are never taken away. Death is what the kernel says (pidfd), and nothing else.

#include "runtime/clock.hpp"
#include "runtime/fork_mark.hpp"
#include "shm/arena_options.hpp"
#include "shm/block_store.hpp"
#include "shm/block_table.hpp"
#include "shm/lease_desk.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

namespace theus::shm {

class Arena;
using ArenaPtr = std::shared_ptr<Arena>;

/// A block that is being built: private and writable. Given back when it is dropped.
class Loan {
public:
  Loan(Loan&& other) noexcept
      : arena_(std::move(other.arena_)), block_(other.block_), bytes_(std::exchange(other.bytes_, {})) {}
  Loan& operator=(Loan&& other) noexcept {
    std::swap(arena_, other.arena_);
    std::swap(block_, other.block_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Loan();

  std::span<std::byte> bytes() const noexcept { return bytes_; }

private:
  friend class Arena;
  Loan(ArenaPtr arena, std::uint32_t block, std::span<std::byte> bytes) noexcept
      : arena_(std::move(arena)), block_(block), bytes_(bytes) {}

  ArenaPtr arena_;
  std::uint32_t block_;
  std::span<std::byte> bytes_;
};

/// Keeps a published block alive. Copies count; any thread.
class Hold {
public:
  Hold() noexcept = default;
  Hold(const Hold& other) noexcept;
  Hold(Hold&& other) noexcept : arena_(std::move(other.arena_)), block_(other.block_) {}
  Hold& operator=(Hold other) noexcept {
    std::swap(arena_, other.arena_);
    std::swap(block_, other.block_);
    return *this;
  }
  ~Hold();

  explicit operator bool() const noexcept { return arena_ != nullptr; }
  const HeavyRef& ref() const noexcept;
  std::span<const std::byte> bytes() const noexcept;
  const ArenaPtr& arena() const noexcept { return arena_; }

private:
  friend class Arena;
  Hold(ArenaPtr arena, std::uint32_t block) noexcept : arena_(std::move(arena)), block_(block) {}

  ArenaPtr arena_;
  std::uint32_t block_ = 0;
};

using OwnerId = std::uint32_t;
using ConsumerId = std::uint64_t;

/// Thread-safe. Calls take a lock of the arena's own for a bounded time (a new segment costs the pages it consists of),
/// but dropping and copying a Hold takes none.
class Arena : public std::enable_shared_from_this<Arena> {
public:
  /// `clock` must outlive it.
  static Result<ArenaPtr> create(ArenaOptions options = {}, const Clock& clock = system_clock());
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::uint64_t zone() const noexcept { return zone_; }

  /// On whose account blocks are lent. Refuses (bad_argument) names that is_heavy_name() does not take, and too many.
  Result<OwnerId> owner(std::string_view name);

  /// Refuses with no_space {needed, free}, after the policy's attempts to do better.
  Result<Loan> lend(std::uint64_t bytes, OwnerId owner = 0);
  /// Makes the block immutable and gives it a handle. Refuses (bad_argument) a shape that does not fit the loan.
  Result<Hold> publish(Loan loan, HeavyType type, const HeavyShape& shape, bool in_place = false);
  /// Takes over a block that another process built: a SealedBuffer's file. Refuses with bad_handle what is not sealed,
  /// whole, and large enough for the shape, and with no_space, before it maps anything.
  Result<Hold> adopt(Descriptor file, HeavyType type, const HeavyShape& shape, OwnerId owner = 0);
  /// One more hold on what the handle names. Refuses with bad_handle, expired_handle, heavy_lost, heavy_dirty.
  Result<Hold> hold(const HeavyRef& ref);
  /// The same, for who writes it anew.
  Result<Hold> hold_even_dirty(const HeavyRef& ref);

  // Blocks in place.

  /// Whoever gets true is the only writer until end_write(). REQUIRES: a hold of a block in place.
  bool begin_write(const Hold& hold) noexcept;
  void end_write(const Hold& hold, bool whole) noexcept;
  /// Even when nobody writes; larger after each write.
  std::uint64_t epoch(const Hold& hold) const noexcept { return epoch_word(hold).load(std::memory_order_acquire); }
  const std::atomic<std::uint64_t>& epoch_word(const Hold& hold) const noexcept { return table_[hold.block_].epoch; }
  std::span<std::byte> writable(const Hold& hold) noexcept;

  // Consumers: other processes that read.

  Result<ConsumerId> admit(const ProcessIdentity& consumer);
  /// What the consumer needs to attach: descriptors of its own, to be passed on.
  Result<Descriptor> table_file() const;
  Result<Descriptor> lease_file(ConsumerId consumer) const;
  Result<Descriptor> segment_file(std::uint32_t segment) const;
  /// Of the block's first byte in that file.
  std::uint64_t offset(const Hold& hold) const noexcept { return store_.place(hold.block_).offset(); }
  /// A lease in the name of the consumer, and the handle by which it takes it. Refuses with no_space when the
  /// consumer holds too many or too much, and peer_down.
  Result<HeavyRef> grant(ConsumerId consumer, const Hold& hold);
  /// The same, put where the consumer looks for it by itself.
  Status deliver(ConsumerId consumer, const Hold& hold);
  /// Nothing more will be granted; what it holds stays until it lets go or ends.
  void dismiss(ConsumerId consumer);

  /// Looks after everything: ends the leases of dead consumers, and tells of them; recycles what can be. To be called
  /// now and then, and when `death_signal()` becomes readable.
  std::vector<LostLeases> collect();
  /// A descriptor that is readable while the death of a consumer waits to be noticed; for poll(2).
  int death_signal() const noexcept { return deaths_.number(); }

  std::size_t consumers() const;

  /// Gives memory back to the system that is kept for later buffers.
  void trim();

  /// Who holds leases, those over the given age or the consumers' quota marked.
  std::vector<LeaseHolder> holders(std::chrono::nanoseconds age_max);
  /// Kills a consumer, which ends its leases; false when there is no such process among them. Only on request.
  bool kill(const ProcessIdentity& consumer);

  ArenaStatistics statistics();
  /// The published blocks, largest first, at most so many; `omitted` gets how many more there are. Walks through all.
  std::vector<BlockReport> blocks(std::size_t reports_max, std::uint64_t& omitted);
  /// Whether all that it keeps for itself is whole. Walks through everything.
  bool is_sane();

private:
  friend class Loan;
  friend class Hold;
  struct Block;
  struct Account;
  struct Consumer {
    LeaseDesk desk;
    bool dismissed = false;
    std::uint64_t granted_bytes = 0;
  };

  Arena(ArenaOptions options, const Clock& clock, std::uint64_t zone, BlockTable table, Descriptor deaths);

  Block& at(std::uint32_t block) const noexcept;
  Hold hold_of(std::uint32_t block);
  bool try_hold(Block& block) noexcept;
  void drop_hold(std::uint32_t block) noexcept;
  Error why_not(const HeavyRef& ref) const;

  // REQUIRES: mutex_ is held.
  Result<std::uint32_t> take(std::uint64_t bytes, OwnerId owner);
  Status check_quota(std::uint64_t capacity, const Account& account) const;
  void work_off_released();
  void recycle(std::uint32_t block);
  void free_block(std::uint32_t block);
  bool is_acquired(LeaseWord lease) const noexcept;
  void look_at_condemned(std::size_t looks_max);
  void sweep();
  bool evict_one(OwnerId owner);
  void publish_segments();
  void bury(ConsumerId consumer, LeaseDesk::TimePoint now);
  bool is_real(const LeaseDesk::Held& held) const noexcept;
  void release(Consumer& consumer, std::uint32_t block);
  void reap_some(Consumer& consumer);
  Result<std::uint16_t> grant_slot(Consumer& consumer, const Hold& hold);
  Result<Consumer*> find_consumer(ConsumerId consumer);

  void return_loan(std::uint32_t block);

  // Constant after construction.
  const ArenaOptions options_;
  const Clock& clock_;
  const std::uint64_t zone_;
  const Descriptor deaths_;
  const ForkMark fork_mark_;
  const std::unique_ptr<Block[]> blocks_;

  BlockTable table_;                     // each entry: by whoever has its block
  std::atomic<std::uint32_t> released_;  // first of the blocks without a hold, linked through Block::next
  mutable std::mutex mutex_;

  // Guarded by mutex_.
  BlockStore store_;
  std::map<ConsumerId, Consumer> consumers_;
  ConsumerId next_consumer_ = 1;
  std::deque<LeaseWord> condemned_;
  std::vector<Account> accounts_;
  std::uint64_t used_bytes_ = 0;
  std::uint64_t lent_ = 0;
  std::uint64_t blocks_in_use_ = 0;
  std::uint64_t recycled_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t lost_leases_ = 0;
  std::vector<LostLeases> lost_;  // not told yet
};

}  // namespace theus::shm
