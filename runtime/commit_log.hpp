#pragma once

#include "runtime/request_log.hpp"

#include <theus/audit_log.hpp>
#include <theus/result.hpp>

#include <optional>
#include <span>
#include <vector>

namespace theus {

/// What a commit log keeps: a commit, with an entry of the audit log if it has one, or such an entry alone.
struct LoggedCommit {
  Version version = 0;             ///< 0: no commit, only an entry of the audit log
  std::vector<std::byte> record;   ///< see commit_record.hpp
  std::optional<Request> request;  ///< the record's own, for an index
  std::optional<AuditEntry> audit;
};

/// Where commits are kept before anybody hears that they succeeded. One call at a time.
class CommitLog {
public:
  virtual ~CommitLog() = default;

  /// Keeps all of them, in order, or none; returns once they are as safe as was promised. Gives each audit entry its
  /// sequence number. Errors: disk_full, after which a later call may succeed; journal_failed, after which none does.
  virtual Status append(std::span<LoggedCommit* const> batch) = 0;

  /// Nothing waits to be appended: time for what need not be done at once. Returns whether there is more of it.
  virtual bool tidy() = 0;
};

}  // namespace theus
