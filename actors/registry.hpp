#pragma once

#include "actors/call.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace theus::actors {

/// The processes of one engine. Reading takes a snapshot of the whole table, so whoever holds one resolves names
/// without a lock. Thread-safe.
class Registry {
public:
  using Table = std::map<std::string, ProcessPtr, std::less<>>;

  explicit Registry(std::shared_ptr<const AccessTable> access) : access_(std::move(access)) {}

  /// Refuses duplicate_name, and what Contract::compile refuses.
  Status add(Process process);
  std::shared_ptr<const Table> table() const;

  /// The process, or unknown_process with the nearest name.
  Result<ProcessPtr> find(std::string_view name) const;

private:
  const std::shared_ptr<const AccessTable> access_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Table> table_ = std::make_shared<const Table>();  // guarded by mutex_
};

/// Refuses (bad_argument, with the nearest name) arguments that the process does not declare.
Status check_arguments(const RegisteredProcess& process, const Value& arguments);

}  // namespace theus::actors
