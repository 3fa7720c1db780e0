#pragma once

#include <theus/audit_log.hpp>

#include <deque>
#include <functional>
#include <mutex>

namespace theus {

/// Keeps the newest entries of the audit log in memory. Thread-safe.
class AuditTrail {
public:
  static constexpr std::size_t entries_max = 1000;

  AuditTrail() = default;
  /// What is recorded goes there first, and comes back by add() once it is safe. Must not throw.
  explicit AuditTrail(std::function<void(AuditEntry)> keep) : keep_(std::move(keep)) {}

  void record(AuditEntry entry);
  /// Takes the entry, which gets the next sequence number unless it has one; the oldest goes when there are more than
  /// entries_max.
  void add(AuditEntry entry);
  /// In order of their sequence numbers.
  std::vector<AuditEntry> entries() const;

private:
  const std::function<void(AuditEntry)> keep_;  // nothing: add()
  mutable std::mutex mutex_;
  std::deque<AuditEntry> entries_;  // guarded by mutex_
  std::uint64_t last_sequence_ = 0;
};

}  // namespace theus
