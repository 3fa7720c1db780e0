#pragma once

// Another host's heavy zone, read here: nothing can be mapped, so buffers come as bytes.
//
// Invariants: (1) The owner is asked about each handle whenever it is looked at, before anything else, so that it
// answers what it would on its own host; a copy that is there saves the bytes, not the question. (2) A copy is sealed
// against everybody, and whole: as many bytes as the handle says, with the digest that the owner has of them. (3) One
// buffer is on its way at a time; who waits for another one waits for a bounded time.

#include "runtime/fork_mark.hpp"
#include "runtime/sha256.hpp"
#include "shm/joined_heavy.hpp"

#include <theus/heavy.hpp>

#include <chrono>
#include <condition_variable>
#include <map>

namespace theus::shm {

/// The owner of the buffers, at the other end of a connection. Used by one thread at a time, but for interrupt().
class BufferSource {
public:
  using Time = std::chrono::steady_clock::time_point;
  virtual ~BufferSource() = default;

  /// The owner keeps it from now on; how many bytes it has. Errors: the owner's; why it is not reached.
  virtual Result<std::uint64_t> lend(const HeavyRef& ref, Time deadline) = 0;
  /// The bytes that begin there, as many as come at once. REQUIRES: one is lent, and it has more.
  virtual Result<std::size_t> fetch(std::uint64_t from, std::span<std::byte> into, Time deadline) = 0;
  /// The owner need not keep it any more; the digest if all of it was fetched.
  virtual Result<std::optional<Digest>> give_back(Time deadline) = 0;
  /// What waits ends soon, with an error. Any thread.
  virtual void interrupt() noexcept = 0;
};

/// Thread-safe. What it shows does not keep it alive, but stays.
class FetchedHeavy {
public:
  using Seen = JoinedHeavy::Seen;

  FetchedHeavy(const FetchOptions& options, std::unique_ptr<BufferSource> source);
  ~FetchedHeavy();
  FetchedHeavy(const FetchedHeavy&) = delete;
  FetchedHeavy& operator=(const FetchedHeavy&) = delete;

  /// A copy of its own, or one that somebody looks at already. Refuses what the owner refuses, elements of another type
  /// (bad_argument), too_large {limit, asked}, no_space {needed, free}, timeout, forked in a forked child.
  Result<Seen> look(const HeavyRef& ref, HeavyType wanted);
  /// Ends what is on its way.
  void interrupt() noexcept { source_->interrupt(); }

  const FetchOptions& options() const noexcept { return options_; }
  std::uint64_t bytes_held() const noexcept { return books_->bytes.load(std::memory_order_relaxed); }
  std::uint64_t copies() const noexcept { return books_->copies.load(std::memory_order_relaxed); }
  std::uint64_t bytes_fetched() const noexcept { return bytes_fetched_.load(std::memory_order_relaxed); }

private:
  using Time = BufferSource::Time;
  struct Books {
    std::atomic<std::uint64_t> bytes{0};
    std::atomic<std::uint64_t> copies{0};
  };
  class Copy;
  using CopyPtr = std::shared_ptr<const Copy>;
  class Turn;

  Result<CopyPtr> copy_of(const HeavyRef& ref, HeavyType wanted, Time deadline);
  Status check_room(std::uint64_t bytes) const;
  Result<CopyPtr> fetch(std::uint64_t bytes, Sha256& hash, Time deadline);
  CopyPtr find(const HeavyRef& ref);

  // Constant after construction.
  const FetchOptions options_;
  const ForkMark fork_mark_;
  const std::shared_ptr<Books> books_;
  std::unique_ptr<BufferSource> source_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_busy_ = false;  // guarded by mutex_
  std::atomic<std::uint64_t> bytes_fetched_{0};

  // Of whoever has the turn.
  std::map<std::array<std::uint64_t, 8>, std::weak_ptr<const Copy>> copies_;
};

}  // namespace theus::shm
