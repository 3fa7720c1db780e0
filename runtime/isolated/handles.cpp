#include "runtime/isolated/handles.hpp"

#include <algorithm>

namespace theus {
namespace {

// Recursion is bounded by the depth of messages, which decoding has checked.
// NOLINTNEXTLINE(misc-no-recursion)
void swap_in(Value& value, std::span<const HandleSwap> swaps) {
  if (value.is_heavy()) {
    const auto found = std::ranges::find(swaps, value.as_heavy(), &HandleSwap::first);
    if (found != swaps.end())
      value = found->second;
  } else if (value.is_list()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      Value item = value[i];
      swap_in(item, swaps);
      value.replace(i, std::move(item));
    }
  } else if (value.is_map()) {
    const Value whole = value;
    for (const auto [key, member] : whole.members()) {
      Value item = member;
      swap_in(item, swaps);
      value.set(key, std::move(item));
    }
  }
}

}  // namespace

// NOLINTNEXTLINE(misc-no-recursion): as above
void each_handle(const Value& value, const std::function<void(const HeavyRef&)>& see) {
  if (value.is_heavy())
    return see(value.as_heavy());
  if (value.is_list())
    for (const Value& item : value.items())
      each_handle(item, see);
  if (value.is_map())
    for (const auto [key, item] : value.members())
      each_handle(item, see);
}

void each_handle(const ExecutionResult& result, const std::function<void(const HeavyRef&)>& see) {
  each_handle(result.value, see);
  for (const Write& write : result.proposal.writes)
    each_handle(write.value, see);
  for (const Signal& signal : result.proposal.signals)
    each_handle(signal.payload, see);
}

void swap_handles(ExecutionResult& result, std::span<const HandleSwap> swaps) {
  if (swaps.empty())
    return;
  swap_in(result.value, swaps);
  for (Write& write : result.proposal.writes)
    swap_in(write.value, swaps);
  for (Signal& signal : result.proposal.signals)
    swap_in(signal.payload, swaps);
}

}  // namespace theus
