#pragma once

#include <theus/path.hpp>
#include <theus/value.hpp>
#include <theus/version.hpp>

#include <optional>

namespace theus {

class StateMemory;
struct Root;

/// The state at one version, for as long as it is held. Immutable: no call changes it.
///
/// A snapshot pins the memory of its version: hold it as long as it is needed and no longer. It may outlive its
/// Engine. Reading is wait-free and may be done from any thread; copies share one pin. A path costs a few dozen
/// nanoseconds plus, when it names a map that was written piece by piece, the gathering of its members.
class Snapshot {
public:
  Snapshot(const Snapshot& other) noexcept;
  Snapshot(Snapshot&& other) noexcept;
  Snapshot& operator=(Snapshot other) noexcept;
  ~Snapshot();

  Version version() const noexcept;

  /// This snapshot as the data it holds: `engine.state().data().get<int>("domain.count", 0)`.
  const Snapshot& data() const noexcept { return *this; }

  /// The value at the path, or nothing. Members of the private zone are left out of maps; asking for one by its path
  /// throws ContractViolationError.
  std::optional<Value> find(const Path& path) const;
  bool contains(const Path& path) const noexcept;

  /// The value at the path as a T. Absent, or of another kind: bad_argument. In the private zone: contract_violation.
  template <class T = Value>
  Result<T> get(const Path& path) const {
    auto value = visible(path);
    if (!value)
      return value.error();
    return *value ? converted<T>(path, **value) : Result<T>{absent(path)};
  }
  /// As above, but `fallback` for an absent path; a wrong kind is an error all the same.
  template <class T>
  Result<T> get(const Path& path, T fallback) const {
    auto value = visible(path);
    if (!value)
      return value.error();
    return *value ? converted<T>(path, **value) : Result<T>{std::move(fallback)};
  }

  /// The version of the last change at or below the path; for an absent path, of the last disappearance on its way.
  Version last_change(const Path& path) const noexcept;

private:
  friend class CommitTurn;
  friend class Transaction;
  friend class SnapshotAccess;

  Snapshot(StateMemory& memory, void* pin, const Root& root) noexcept : memory_(&memory), pin_(pin), root_(&root) {}

  Result<std::optional<Value>> visible(const Path& path) const;
  static Error absent(const Path& path);
  static Error misfit(const Path& path, const Error& why);

  template <class T>
  static Result<T> converted(const Path& path, const Value& value) {
    auto result = value.get<T>();
    return result ? std::move(result) : Result<T>{misfit(path, result.error())};
  }

  StateMemory* memory_;  // nullptr: moved from, or lent; there is nothing to release
  void* pin_;
  const Root* root_;
};

}  // namespace theus
