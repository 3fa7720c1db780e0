#pragma once

#include "runtime/proposal.hpp"
#include "runtime/state_memory.hpp"

namespace theus {

// The rules by which one version follows another. None of them waits, performs I/O or calls user code.

/// Refuses (version_mismatch: path, expected, actual, current) when something the proposal depends on changed after
/// its base: at the finest path, subtree reads included, so neither phantoms nor write skew pass. A base beyond
/// `head` is refused as bad_argument.
Status check_versions(const Root& head, const ProposalView& proposal);

/// The value after the write, given the one before it (nothing: absent). Nothing means that the path goes away.
/// Refuses (bad_argument) an append to something other than a list, an overflow, and the like.
Result<std::optional<Value>> applied(const Write& write, const std::optional<Value>& before);

/// The oldest elements go until the list has no more than that. Other values stay as they are.
Value trimmed(Value list, std::size_t elements_max);

/// The root that follows `head`; `head` itself when the proposal changes nothing and carries no signals.
/// The new root is not published yet. On an error, bad_alloc included, nothing has changed.
Result<const Root*> commit(StateMemory& memory, const Root& head, const ProposalView& proposal,
                           const AccessTable& access);

}  // namespace theus
