#pragma once

#include "runtime/commit_log.hpp"
#include "runtime/proposal.hpp"

#include <atomic>
#include <deque>

namespace theus {

struct Root;
class SchemaGuard;

/// Somebody whose outcome stands on commits that the log does not hold yet. Told once, by any thread, without locks.
class Settlement {
public:
  virtual ~Settlement() = default;
  /// All versions up to `kept` are safe and can be read. A failure says why later ones have been taken back; nothing:
  /// none of those this one stood on were.
  virtual void settled(Version kept, const Error* failure) noexcept = 0;

private:
  friend class UnsettledCommits;
  Settlement* next_ = nullptr;
};

/// For a thread that waits for it, which LogWriter::wait() does.
class AwaitedSettlement final : public Settlement {
public:
  void settled(Version kept, const Error* failure) noexcept override {
    kept_ = kept;
    if (failure != nullptr)
      failure_ = *failure;
    is_told_.store(true, std::memory_order_release);  // whoever waits may then be gone
  }
  const std::atomic<bool>& is_told() const noexcept { return is_told_; }
  Version kept() const noexcept { return kept_; }
  const std::optional<Error>& failure() const noexcept { return failure_; }

private:
  std::atomic<bool> is_told_{false};
  Version kept_ = 0;
  std::optional<Error> failure_;
};

/// A commit that is part of the head, but not of the log yet.
struct UnsettledCommit : LoggedCommit {
  const Root* root = nullptr;  ///< of its version; nullptr: it is an audit entry, or was published at once
  ProposalView proposal{};     ///< kept alive by whoever waits for it; empty when it was published at once
  std::shared_ptr<const SchemaGuard> schema{};  ///< that came into force with it; nothing: none did
  Settlement* waiting = nullptr;
};

/// In the order of their versions. Belongs to the holder of the commit turn, but entries keep their addresses.
class UnsettledCommits {
public:
  static constexpr std::size_t batch_max = 4096;
  static constexpr std::size_t batch_bytes_max = std::size_t{16} << 20;

  bool is_empty() const noexcept { return entries_.empty(); }
  std::size_t size() const noexcept { return entries_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }

  /// May throw bad_alloc; then nothing has changed.
  UnsettledCommit& add() { return entries_.emplace_back(); }
  void take_back() noexcept { entries_.pop_back(); }
  UnsettledCommit& last() noexcept { return entries_.back(); }
  void count_bytes(std::size_t bytes) noexcept { bytes_ += bytes; }

  /// The settlement is told together with the newest entry. REQUIRES: !is_empty().
  void attach(Settlement& waiting) noexcept { waiting.next_ = std::exchange(entries_.back().waiting, &waiting); }
  /// The first entries, at most a batch.
  void gather(std::vector<LoggedCommit*>& out);
  const UnsettledCommit& operator[](std::size_t index) const noexcept { return entries_[index]; }
  /// Removes the first entries, and returns those who wait for them as a chain.
  Settlement* remove(std::size_t count) noexcept;
  /// Returns those who wait for any entry as a chain; the entries stay.
  Settlement* detach_waiting() noexcept;
  /// Removes all commits, and returns those who wait as a chain. Audit entries stay.
  Settlement* remove_commits() noexcept;

  static void tell(Settlement* chain, Version kept, const Error* failure) noexcept;

private:
  static void join(Settlement*& chain, Settlement* more) noexcept;

  std::deque<UnsettledCommit> entries_;
  std::size_t bytes_ = 0;  // of the records
};

}  // namespace theus
