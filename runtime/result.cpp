#include <theus/errors.hpp>
#include <theus/value.hpp>

#include "runtime/escape.hpp"

#include <algorithm>
#include <array>

namespace theus {
namespace {

template <class Exception>
[[noreturn]] void throw_as(const Error& error) {
  throw Exception(error);
}

// Receivers give these as values; as an exception they mean that a caller insisted on a value.
[[noreturn]] void throw_logic(const Error& error) { throw std::logic_error(error.text()); }

struct Entry {
  Errc code;
  std::string_view name;
  int exit;
  void (*raise)(const Error&);
};

// The one table of the vocabulary: code, name, exit code of the command line, exception.
constexpr std::array entries{
    Entry{Errc::version_mismatch, "version_mismatch", 5, throw_as<VersionMismatchError>},
    Entry{Errc::contract_violation, "contract_violation", 1, throw_as<ContractViolationError>},
    Entry{Errc::schema_violation, "schema_violation", 1, throw_as<SchemaViolationError>},
    Entry{Errc::audit_stop, "audit_stop", 1, throw_as<AuditStopError>},
    Entry{Errc::audit_abort, "audit_abort", 1, throw_as<AuditAbortError>},
    Entry{Errc::audit_block, "audit_block", 1, throw_as<AuditBlockError>},
    Entry{Errc::process_failed, "process_failed", 1, throw_as<ProcessFailedError>},
    Entry{Errc::deadline, "deadline", 6, throw_as<WriteTimeoutError>},
    Entry{Errc::cancelled, "cancelled", 1, throw_as<LogicError>},
    Entry{Errc::closed, "closed", 1, throw_as<LogicError>},
    Entry{Errc::forked, "forked", 1, throw_as<LogicError>},
    Entry{Errc::nested_call, "nested_call", 1, throw_as<LogicError>},
    Entry{Errc::unknown_process, "unknown_process", 1, throw_as<LogicError>},
    Entry{Errc::unknown_agent, "unknown_agent", 1, throw_as<LogicError>},
    Entry{Errc::duplicate_name, "duplicate_name", 1, throw_as<LogicError>},
    Entry{Errc::bad_argument, "bad_argument", 1, throw_as<LogicError>},
    Entry{Errc::unsupported, "unsupported", 1, throw_as<LogicError>},
    Entry{Errc::overloaded, "overloaded", 1, throw_as<OverloadError>},
    Entry{Errc::resource_exhausted, "resource_exhausted", 1, throw_as<OverloadError>},
    Entry{Errc::too_large, "too_large", 1, throw_as<OverloadError>},
    Entry{Errc::too_deep, "too_deep", 1, throw_as<OverloadError>},
    Entry{Errc::safety_trip, "safety_trip", 1, throw_as<SafetyTripError>},
    Entry{Errc::bad_workflow, "bad_workflow", 3, throw_as<InputError>},
    Entry{Errc::bad_recipe, "bad_recipe", 3, throw_as<InputError>},
    Entry{Errc::bad_schema, "bad_schema", 3, throw_as<InputError>},
    Entry{Errc::bad_expression, "bad_expression", 3, throw_as<InputError>},
    Entry{Errc::bad_input, "bad_input", 3, throw_as<InputError>},
    Entry{Errc::journal_failed, "journal_failed", 70, throw_as<JournalError>},
    Entry{Errc::disk_full, "disk_full", 70, throw_as<JournalError>},
    Entry{Errc::journal_corrupt, "journal_corrupt", 70, throw_as<JournalError>},
    Entry{Errc::journal_in_use, "journal_in_use", 70, throw_as<JournalError>},
    Entry{Errc::journal_version, "journal_version", 70, throw_as<JournalError>},
    Entry{Errc::not_replayable, "not_replayable", 1, throw_as<ReplayError>},
    Entry{Errc::replay_diverged, "replay_diverged", 1, throw_as<ReplayError>},
    Entry{Errc::lagged, "lagged", 1, throw_logic},
    Entry{Errc::timeout, "timeout", 6, throw_logic},
    Entry{Errc::empty, "empty", 1, throw_logic},
    Entry{Errc::no_space, "no_space", 1, throw_as<HeavyError>},
    Entry{Errc::expired_handle, "expired_handle", 1, throw_as<HeavyError>},
    Entry{Errc::bad_handle, "bad_handle", 1, throw_as<HeavyError>},
    Entry{Errc::heavy_lost, "heavy_lost", 1, throw_as<HeavyError>},
    Entry{Errc::heavy_dirty, "heavy_dirty", 1, throw_as<HeavyError>},
    Entry{Errc::join_refused, "join_refused", 4, throw_as<PeerError>},
    Entry{Errc::peer_down, "peer_down", 4, throw_as<PeerError>},
    Entry{Errc::owner_down, "owner_down", 4, throw_as<PeerError>},
    Entry{Errc::stale_epoch, "stale_epoch", 4, throw_as<PeerError>},
    Entry{Errc::worker_died, "worker_died", 4, throw_as<PeerError>},
    Entry{Errc::outbox_full, "outbox_full", 1, throw_as<OutboxError>},
    Entry{Errc::undeliverable, "undeliverable", 1, throw_as<OutboxError>},
    Entry{Errc::shutdown_stuck, "shutdown_stuck", 70, throw_as<ShutdownError>},
    Entry{Errc::internal, "internal", 70, throw_logic},
};

const Entry* entry_of(Errc code) noexcept {
  const auto found = std::ranges::find(entries, code, &Entry::code);
  return found == entries.end() ? nullptr : &*found;
}

}  // namespace

std::string_view to_string(Errc code) noexcept {
  const Entry* entry = entry_of(code);
  return entry ? entry->name : "unknown";
}

int exit_code(Errc code) noexcept {
  const Entry* entry = entry_of(code);
  return entry ? entry->exit : 70;
}

void raise(const Error& error) {
  if (const Entry* entry = entry_of(error.code()))
    entry->raise(error);
  throw_logic(error);
}

struct Error::Detail {
  Errc code;
  std::string where;
  std::string cause;
  std::string remedy;
  Value fields;
};

Error::Error(Errc code, std::string where, std::string cause, std::string remedy)
    : detail_(
          std::make_shared<Detail>(Detail{code, std::move(where), std::move(cause), std::move(remedy), Value::map()})) {
}

Error& Error::set(std::string_view field, Value value) {
  if (detail_.use_count() > 1)
    detail_ = std::make_shared<Detail>(*detail_);
  detail_->fields.set(field, std::move(value));
  return *this;
}

Error Error::with(std::string_view field, Value value) && { return std::move(set(field, std::move(value))); }

Errc Error::code() const noexcept { return detail_->code; }
const std::string& Error::where() const noexcept { return detail_->where; }
const std::string& Error::cause() const noexcept { return detail_->cause; }
const std::string& Error::remedy() const noexcept { return detail_->remedy; }
Value Error::fields() const { return detail_->fields; }
const Value* Error::field(std::string_view name) const noexcept { return detail_->fields.find(name); }

std::string Error::text() const {
  std::string line{to_string(code())};
  if (!where().empty())
    line += " at " + escaped(where());
  line += ": " + escaped(cause());
  if (!remedy().empty())
    line += ". " + escaped(remedy());
  return line;
}

}  // namespace theus
