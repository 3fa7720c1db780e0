#pragma once

#include <theus/path.hpp>
#include <theus/value.hpp>

#include <optional>
#include <span>

namespace theus {

/// What the rest of a pattern shows of a value: the value itself when nothing is left of the pattern, the matching
/// members of a map, or nothing. Elements of lists are no members.
std::optional<Value> projected(const Value& value, std::span<const Segment> pattern);

/// Adds to `shown` what another pattern shows of the same value.
void show_also(std::optional<Value>& shown, std::optional<Value> more);

}  // namespace theus
