#include "runtime/audit_trail.hpp"

namespace theus {

std::string_view to_string(AuditEntry::Kind kind) noexcept {
  switch (kind) {
    case AuditEntry::Kind::elevation: return "elevation";
    case AuditEntry::Kind::edit: return "edit";
  }
  return "unknown";
}

void AuditTrail::record(AuditEntry entry) { keep_ ? keep_(std::move(entry)) : add(std::move(entry)); }

void AuditTrail::add(AuditEntry entry) {
  const std::lock_guard lock{mutex_};
  if (entry.sequence == 0)
    entry.sequence = last_sequence_ + 1;
  const std::uint64_t sequence = entry.sequence;
  entries_.push_back(std::move(entry));
  last_sequence_ = sequence;
  if (entries_.size() > entries_max)
    entries_.pop_front();
}

std::vector<AuditEntry> AuditTrail::entries() const {
  const std::lock_guard lock{mutex_};
  return {entries_.begin(), entries_.end()};
}

}  // namespace theus
