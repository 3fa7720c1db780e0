#pragma once

#include <theus/snapshot.hpp>
#include <theus/write.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace theus {

struct TransactionOptions {
  /// A repetition with the same id and contents answers with the first outcome. Empty: none.
  std::string request_id{};
  /// Why; stands in the audit log once it is committed. Empty: no entry.
  std::string reason{};
  /// Root keys of policy `granted`, such as `global`, that the transaction may write.
  std::vector<std::string> grants{};
  /// How often a function may run when other commits interfere, and for how long in all.
  int attempts_max = 8;
  std::chrono::milliseconds timeout{30'000};
};

/// Reads and changes of a caller outside processes, on one snapshot: committed as a whole, or dropped. No contract
/// limits it, but zones do. Everything it has read must be unchanged at the commit; otherwise that is refused with
/// `version_mismatch`, and the transaction is over.
///
/// Belongs to one thread. After commit() or drop() its members answer `closed`. It pins its snapshot until then.
class Transaction {
public:
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;
  /// Drops what was not committed.
  ~Transaction();

  /// Of the snapshot it reads.
  Version version() const noexcept;

  /// The value at the path, own writes included, or nothing.
  Result<std::optional<Value>> find(const Path& path);
  /// The value at the path as a T. Absent, or of another kind: bad_argument.
  template <class T = Value>
  Result<T> get(const Path& path) {
    auto value = find(path);
    if (!value)
      return value.error();
    return *value ? converted<T>(path, **value) : Result<T>{Snapshot::absent(path)};
  }
  /// As above, but `fallback` for an absent path.
  template <class T>
  Result<T> get(const Path& path, T fallback) {
    auto value = find(path);
    if (!value)
      return value.error();
    return *value ? converted<T>(path, **value) : Result<T>{std::move(fallback)};
  }

  /// Refuses, and leaves out, what a commit on this snapshot would refuse.
  Status write(const Write& change);
  Status set(const Path& path, Value value) { return write(Write::set(path, std::move(value))); }
  Status erase(const Path& path) { return write(Write::erase(path)); }
  Status append(const Path& path, Value item) { return write(Write::append(path, std::move(item))); }
  Status splice(const Path& path, std::size_t position, std::size_t removed, Value items) {
    return write(Write::splice(path, position, removed, std::move(items)));
  }
  Status increment(const Path& path, Value amount = 1) { return write(Write::increment(path, std::move(amount))); }
  Status max(const Path& path, Value least) { return write(Write::max(path, std::move(least))); }
  Status insert(const Path& path, Value item) { return write(Write::insert(path, std::move(item))); }
  /// Takes the value from one path to another; reads `from`, which must be there.
  Status move(const Path& from, const Path& to);

  /// From now on neither zones nor grants limit this transaction, but constants hold. Needs AccessOptions::admin;
  /// stands in the audit log with its reason.
  Status admin(std::string_view reason);

  /// Publishes a signal after the commit.
  Status emit(std::string_view signal, Value payload = {});

  /// The new version; the one it read when there was nothing to commit.
  Result<Version> commit();
  void drop() noexcept;

private:
  friend class Transactor;
  class State;
  explicit Transaction(std::unique_ptr<State> state) noexcept;

  template <class T>
  static Result<T> converted(const Path& path, const Value& value) {
    return Snapshot::converted<T>(path, value);
  }

  std::unique_ptr<State> state_;  // nullptr once it is over
};

}  // namespace theus
