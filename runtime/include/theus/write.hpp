#pragma once

#include <theus/path.hpp>
#include <theus/value.hpp>

namespace theus {

/// One change that a transaction asks for. `{path, value}` sets the path.
///
/// `append`, `increment`, `max` and `insert` are commutative: they read nothing, so they never conflict with each
/// other. All are applied to the state that is current at commit.
struct Write {
  enum class Kind : std::uint8_t { set, erase, append, splice, increment, max, insert };

  Path path;
  Value value;
  Kind kind = Kind::set;
  std::size_t position = 0;  ///< splice: the first element concerned
  std::size_t removed = 0;   ///< splice: how many elements go

  static Write set(Path path, Value value) { return {std::move(path), std::move(value), Kind::set}; }
  /// Removes the path from the state; nothing happens when it is absent.
  static Write erase(Path path) { return {std::move(path), {}, Kind::erase}; }
  /// Appends one element to a list; an absent list is made.
  static Write append(Path path, Value item) { return {std::move(path), std::move(item), Kind::append}; }
  /// Replaces `removed` elements from `position` on by those of the list `items`.
  static Write splice(Path path, std::size_t position, std::size_t removed, Value items) {
    return {std::move(path), std::move(items), Kind::splice, position, removed};
  }
  /// Adds to an integer or real of the same kind; an absent number counts as zero. Overflow is refused.
  static Write increment(Path path, Value amount) { return {std::move(path), std::move(amount), Kind::increment}; }
  /// Raises a number to at least this one; an absent number becomes it.
  static Write max(Path path, Value least) { return {std::move(path), std::move(least), Kind::max}; }
  /// Adds an element to a list used as a set, unless an equal one is there.
  static Write insert(Path path, Value item) { return {std::move(path), std::move(item), Kind::insert}; }
};

/// "set", "erase", "append", "splice", "increment", "max" or "insert".
std::string_view to_string(Write::Kind kind) noexcept;

}  // namespace theus
