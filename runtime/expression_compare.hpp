#pragma once

#include <theus/value.hpp>

#include <optional>

namespace theus {

/// Below, at or above zero as `left` stands before, at or after `right`. Two numbers (integers and reals compare
/// exactly) or two texts (bytewise) have an order; nothing else, and NaN, has one.
std::optional<int> ordering(const Value& left, const Value& right) noexcept;

/// Whether the values are equal, integers and reals exactly, inside lists and maps too. NaN equals nothing.
/// Nothing when they are nested deeper than 64 levels.
std::optional<bool> equal_values(const Value& left, const Value& right, int depth = 0) noexcept;

}  // namespace theus
