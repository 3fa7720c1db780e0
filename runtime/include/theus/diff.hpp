#pragma once

#include <theus/snapshot.hpp>

#include <vector>

namespace theus {

/// One place where two values differ.
struct Difference {
  enum class Kind : std::uint8_t { added, removed, changed };

  Kind kind = Kind::changed;
  Path path;
  Value before{};  ///< null when it was added
  Value after{};   ///< null when it was removed
};

/// Where two values differ, in the order of the paths.
struct Diff {
  std::vector<Difference> entries;
  std::size_t omitted = 0;  ///< further differences, over the limit

  bool empty() const noexcept { return entries.empty() && omitted == 0; }
};

struct DiffOptions {
  /// Differences that are kept; the others are only counted.
  std::size_t entries_max = 10'000;
};

/// What must be done to `before` to get `after`, both standing at the path `at`: changed values as deep as maps and
/// lists on both sides go, what only one side has as a whole.
///
/// Lists of one length are compared element by element. Of lists of different lengths the common front and the common
/// end are left out; a removed element carries its position in `before`, an added one its position in `after`.
/// Parts that both share are skipped, so the cost is that of the differences and their surroundings. Below 64 levels
/// (the length of a path) values are compared as a whole. May throw bad_alloc. Thread-safe.
Diff diff(const Value& before, const Value& after, const Path& at = {}, const DiffOptions& options = {});

/// The same for what stands at and below a path of two snapshots. Of two snapshots of one engine, what no commit
/// between them has touched costs nothing. The private zone is left out; a path in it throws ContractViolationError.
Diff diff(const Snapshot& before, const Snapshot& after, const Path& below = {}, const DiffOptions& options = {});

/// "added", "removed" or "changed".
std::string_view to_string(Difference::Kind kind) noexcept;

/// {kind, path, before, after}, without what is null by the kind. May throw bad_alloc.
Value data_of(const Difference& difference);

/// `+ path = value`, `- path` or `~ path: before -> after`, with values as JSON of at most `value_bytes_max` bytes
/// each. One line without its end; nothing in it can drive a terminal.
std::string to_text(const Difference& difference, std::size_t value_bytes_max = 200);

}  // namespace theus
