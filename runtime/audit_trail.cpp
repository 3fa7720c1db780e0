#include "runtime/audit_trail.hpp"

namespace theus {

std::string_view to_string(AuditEntry::Kind kind) noexcept {
  switch (kind) {
    case AuditEntry::Kind::elevation: return "elevation";
    case AuditEntry::Kind::edit: return "edit";
  }
  return "unknown";
}

void AuditTrail::record(AuditEntry entry) {
  const std::lock_guard lock{mutex_};
  entry.sequence = last_sequence_ + 1;
  entries_.push_back(std::move(entry));
  ++last_sequence_;
  if (entries_.size() > entries_max)
    entries_.pop_front();
}

std::vector<AuditEntry> AuditTrail::entries() const {
  const std::lock_guard lock{mutex_};
  return {entries_.begin(), entries_.end()};
}

}  // namespace theus
