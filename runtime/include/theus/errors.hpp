#pragma once

#include <theus/result.hpp>

#include <stdexcept>

namespace theus {

/// What Result::value() throws: the typed exceptions below, all carrying their Error.
/// `Errc::internal` is a bug of ours and throws plain std::logic_error.
class TheusError : public std::runtime_error {
public:
  explicit TheusError(Error error) : std::runtime_error(error.text()), error_(std::move(error)) {}

  const Error& error() const noexcept { return error_; }
  Errc code() const noexcept { return error_.code(); }

private:
  Error error_;
};

// clang-format off
struct VersionMismatchError : TheusError { using TheusError::TheusError; };
struct ContractViolationError : TheusError { using TheusError::TheusError; };
struct SchemaViolationError : TheusError { using TheusError::TheusError; };
struct AuditStopError : TheusError { using TheusError::TheusError; };
struct AuditAbortError : TheusError { using TheusError::TheusError; };
struct AuditBlockError : TheusError { using TheusError::TheusError; };
struct ProcessFailedError : TheusError { using TheusError::TheusError; };
struct WriteTimeoutError : TheusError { using TheusError::TheusError; };
struct LogicError : TheusError { using TheusError::TheusError; };
struct OverloadError : TheusError { using TheusError::TheusError; };
struct SafetyTripError : TheusError { using TheusError::TheusError; };
struct InputError : TheusError { using TheusError::TheusError; };
struct JournalError : TheusError { using TheusError::TheusError; };
struct ReplayError : TheusError { using TheusError::TheusError; };
struct HeavyError : TheusError { using TheusError::TheusError; };
struct PeerError : TheusError { using TheusError::TheusError; };
struct OutboxError : TheusError { using TheusError::TheusError; };
struct ShutdownError : TheusError { using TheusError::TheusError; };
// clang-format on

}  // namespace theus
