#pragma once

#include <theus/audit_log.hpp>

#include <cstddef>
#include <vector>

namespace theus::store {

/// The bytes of an entry that the chain of the audit log covers: canonical CBOR of [kind, who, reason, version, time],
/// the time in nanoseconds since 1970.
std::vector<std::byte> audit_record(const AuditEntry& entry);

}  // namespace theus::store
