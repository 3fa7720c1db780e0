#pragma once

#include <theus/audit_log.hpp>

#include <deque>
#include <mutex>

namespace theus {

/// Keeps the newest entries of the audit log in memory. Thread-safe.
class AuditTrail {
public:
  static constexpr std::size_t entries_max = 1000;

  /// Takes the entry with the next sequence number; the oldest goes when there are more than entries_max.
  void record(AuditEntry entry);
  /// In order of their sequence numbers.
  std::vector<AuditEntry> entries() const;

private:
  mutable std::mutex mutex_;
  std::deque<AuditEntry> entries_;  // guarded by mutex_
  std::uint64_t last_sequence_ = 0;
};

}  // namespace theus
