#pragma once

// The newest commits, encoded once for all who follow them. A block is a run of versions without a gap:
//
//   block = first version, count, then for each commit its list of writes (see commit_record.hpp)
//
// Invariants: (1) Blocks lie in order of versions and the newest ones are kept, as far as bytes_max allows. (2) A block
// does not change once it was given out, so all who follow share its bytes. (3) What a follower asks for and does not
// get is gone: it takes a checkpoint.

#include "runtime/descriptor.hpp"

#include <theus/version.hpp>
#include <theus/write.hpp>

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace theus {

/// Filled within the commit turn while somebody follows; read by anybody. Thread-safe.
class CommitFeed {
public:
  struct Block {
    Version first = 0;
    Version last = 0;
    std::shared_ptr<const std::vector<std::byte>> bytes;
  };

  /// So that a block makes one packet, unless a single commit has more.
  static constexpr std::size_t block_bytes = std::size_t{48} << 10;

  explicit CommitFeed(std::size_t bytes_max = std::size_t{16} << 20) noexcept : bytes_max_(bytes_max) {}

  bool is_followed() const noexcept { return followers_.load(std::memory_order_relaxed) > 0; }
  /// One more follows. REQUIRES: within the turn, of which this is the version.
  void join(Version version);
  void leave() noexcept;

  /// The commit of that version. REQUIRES: within the turn, in order. May throw bad_alloc.
  void add(Version version, std::span<const Write> writes);
  /// As add(), for a commit that cannot be kept.
  void lose(Version version) noexcept;

  /// The newest version that was added or from which somebody joined.
  Version newest() const noexcept { return newest_.load(); }
  /// The blocks that hold what comes after this version, at most so many bytes and at least one block; the first may
  /// begin earlier. Empty: nothing has come. Nothing: it is not kept any more.
  std::optional<std::vector<Block>> after(Version version, std::size_t bytes_max);

  /// From now on the next commit writes to this eventfd, which must stay open until the followers are gone.
  void arm(int event_fd) noexcept { armed_.store(event_fd); }
  void disarm() noexcept { armed_.store(-1); }
  /// Writes to it now.
  void ring() noexcept;

private:
  void seal();
  void clear() noexcept;

  const std::size_t bytes_max_;
  std::atomic<int> followers_{0};
  std::atomic<Version> newest_{0};
  std::atomic<int> armed_{-1};
  mutable std::mutex mutex_;
  std::deque<Block> blocks_;        // guarded by mutex_
  std::size_t bytes_ = 0;           // guarded by mutex_: of the blocks
  std::vector<std::byte> open_;     // guarded by mutex_: writes that are in no block yet
  Version open_first_ = 0;          // guarded by mutex_
  std::uint64_t open_commits_ = 0;  // guarded by mutex_
};

}  // namespace theus
