#pragma once

// Heavy handles in the messages of isolated bodies: where they stand, and other ones in their place.

#include "runtime/execution.hpp"

#include <functional>

namespace theus {

/// Shows each handle in the value, as often as it stands there.
void each_handle(const Value& value, const std::function<void(const HeavyRef&)>& see);
/// Those in all that a body wanted: its value, its writes and its signals.
void each_handle(const ExecutionResult& result, const std::function<void(const HeavyRef&)>& see);

/// A handle and what stands in its place.
using HandleSwap = std::pair<HeavyRef, Value>;
void swap_handles(ExecutionResult& result, std::span<const HandleSwap> swaps);

}  // namespace theus
