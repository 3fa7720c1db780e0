#pragma once

// A history: what clients asked of a versioned state and what they were told, with the order of their calls and
// answers. The state is seen as a tree of paths that are present or not: its leaves are registers that hold a number,
// the paths above them hold 0, come with the first leaf below them and go only when they are erased.
//
// Invariants: (1) stamps are unique, and a call that returned before another began has the lower stamps.
// (2) A swap writes no path twice, but for leaves that it sets after it has erased what stood above them. (3) Nothing
// here knows the code that is judged.

#include <cstdint>
#include <span>
#include <vector>

namespace theus::testing {

using PathId = std::uint32_t;
inline constexpr PathId no_path = ~PathId{0};

/// A path that was present, and its value.
struct Seen {
  PathId path;
  std::int64_t value;
};

/// What a read saw at and below one path: all paths that were present.
struct Glimpse {
  PathId path;
  std::span<const Seen> seen;
};

/// What a swap does to one path: set and increment go to leaves, erase also to paths above them. A set or erase must
/// not overtake another change of its path; an increment (of an absent leaf: to the amount) takes what it finds.
struct Change {
  enum class Kind : std::uint8_t { set, erase, increment };

  PathId path;
  Kind kind;
  std::int64_t value = 0;
};

struct Operation {
  enum class Kind : std::uint8_t { read, swap };
  enum class Outcome : std::uint8_t { ok, mismatch, unknown };

  std::uint64_t invoked;
  std::uint64_t responded;   // unknown: none
  std::uint64_t base;        // swap: the expected version
  std::uint64_t version;     // ok: the version read, made or found unchanged; mismatch: the one that changed `path`
  std::uint32_t first_read;  // in glimpses of a read, in paths of a swap
  std::uint32_t first_change;
  std::uint16_t reads;
  std::uint16_t changes;
  PathId path = no_path;  // mismatch: what had changed
  Kind kind;
  Outcome outcome;
};

class History {
public:
  struct Interval {
    std::uint64_t invoked;
    std::uint64_t responded;
  };

  /// What a swap asks for.
  struct Wish {
    std::uint64_t base;
    std::span<const PathId> reads;
    std::span<const Change> changes;
  };

  /// The tree of paths: the parent of each path, which has the lower number, or no_path.
  explicit History(std::vector<PathId> parents);

  void read(Interval when, std::uint64_t version, std::span<const Glimpse> glimpses);
  void swapped(Interval when, const Wish& wish, std::uint64_t version);
  /// Refused because version `actual` changed `path`.
  void mismatched(Interval when, const Wish& wish, PathId path, std::uint64_t actual);
  /// No answer came: it happened once, or never.
  void unanswered(std::uint64_t invoked, const Wish& wish);

  /// Adds the operations of another client. REQUIRES: the same paths.
  void append(const History& other);

  std::span<const Operation> operations() const noexcept { return operations_; }
  std::span<Operation> operations() noexcept { return operations_; }
  Glimpse glimpse(const Operation& read, std::size_t index) const noexcept;
  std::span<const PathId> reads(const Operation& swap) const noexcept;
  std::span<const Change> changes(const Operation& swap) const noexcept;
  std::span<Change> changes(const Operation& swap) noexcept;
  std::span<Seen> all_seen() noexcept { return seen_; }

  std::size_t paths() const noexcept { return parents_.size(); }
  PathId parent(PathId path) const noexcept { return parents_[path]; }
  bool is_leaf(PathId path) const noexcept { return is_leaf_[path]; }
  /// Whether `above` is the path or an ancestor of it; no_path is above everything.
  bool covers(PathId above, PathId path) const noexcept;

private:
  struct StoredGlimpse {
    PathId path;
    std::uint32_t count;
    std::size_t first;
  };

  Operation& add_swap(Interval when, const Wish& wish, Operation::Outcome outcome);

  std::vector<PathId> parents_;
  std::vector<bool> is_leaf_;
  std::vector<Operation> operations_;
  std::vector<StoredGlimpse> glimpses_;
  std::vector<Seen> seen_;
  std::vector<PathId> reads_;
  std::vector<Change> changes_;
};

}  // namespace theus::testing
