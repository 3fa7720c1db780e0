#pragma once

// Paths kept free for transactions that lost too often, so that a long one gets through among many short ones.
//
// Invariants: (1) In order of arrival: a reservation is active when no earlier one overlaps its paths. (2) Only an
// active one keeps others out, from its activation until its release or the end of its lifetime, so a holder that
// hangs or dies holds up nobody for longer. (3) Between two of them those who were held back get a breather, so that a
// queue of reservations starves nobody either. (4) Nothing of this changes what is valid: a holder's commit is checked
// like any other.

#include <theus/write.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace theus {

/// All reservations of one state. Pure: time is passed in. Belongs to the holder of the commit turn.
class Reservations {
public:
  using Time = std::chrono::steady_clock::time_point;
  using Id = std::uint64_t;
  static constexpr std::size_t count_max = 64;
  static constexpr Id nobody = 0;
  /// Long enough for everybody who was held back to look again.
  static constexpr std::chrono::milliseconds breather{2};

  bool is_empty() const noexcept { return entries_.empty(); }

  /// Stands behind all others; nothing when there are count_max already. Once active it lives that long.
  std::optional<Id> add(std::vector<Path> paths, std::chrono::nanoseconds lifetime, Time now);
  /// Adds paths on which the holder was refused after all.
  void extend(Id id, std::span<const Path> paths);
  void release(Id id, Time now) noexcept;

  /// False for one that still waits; true for one that is active or over.
  bool may_start(Id id, Time now) noexcept;
  /// Whether somebody else's active reservation overlaps one of the writes.
  bool hold_back(std::span<const Write> writes, Id holder, Time now) noexcept;

private:
  struct Entry {
    Id id;
    std::vector<Path> paths;
    std::chrono::nanoseconds lifetime;
    std::optional<Time> active_until{};  // nothing: still waiting
  };

  /// Drops what has expired and activates what that made free.
  void advance(Time now) noexcept;
  /// Drops those for which `is_over` holds.
  template <class IsOver>
  void drop(const IsOver& is_over, Time now) noexcept;

  std::vector<Entry> entries_;  // in order of arrival
  bool held_somebody_back_ = false;
  Time breather_until_{};
  Id last_id_ = nobody;
};

}  // namespace theus
