#pragma once

#include <theus/path.hpp>
#include <theus/value.hpp>

#include <span>

namespace theus {

/// What stands at the relative path inside the value, or nullptr.
const Value* find_in(const Value& value, std::span<const Segment> path) noexcept;

/// The value with `item` put at the relative path; missing maps on the way are made.
/// Refuses (bad_argument) a key below anything but a map and an index that is not there.
Result<Value> with(const Value& value, std::span<const Segment> path, const Value& item);

/// The value without what stands at the relative path. REQUIRES: it is there, and the path is not empty.
Value without(const Value& value, std::span<const Segment> path);

}  // namespace theus
