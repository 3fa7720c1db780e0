#include "runtime/store/audit_record.hpp"

#include "runtime/cbor_stream.hpp"

namespace theus::store {

std::vector<std::byte> audit_record(const AuditEntry& entry) {
  std::vector<std::byte> out;
  append_cbor_head(out, CborMajor::array, 5);
  append_cbor_text(out, to_string(entry.kind));
  append_cbor_text(out, entry.who);
  append_cbor_text(out, entry.reason);
  append_cbor_number(out, entry.version);
  const auto time = std::chrono::duration_cast<std::chrono::nanoseconds>(entry.time.time_since_epoch());
  append_cbor(out, Value{static_cast<std::int64_t>(time.count())});
  return out;
}

}  // namespace theus::store
