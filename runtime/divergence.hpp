#pragma once

#include "runtime/rerun.hpp"

namespace theus {

/// Whether a body that ran again wants what was committed: the same effects, or others that come to the same state and
/// signals. Otherwise replay_diverged, with what is different. `before` is the state that the commit met.
Status check_same_effects(Version version, const CommitRecord& record, const Effects& wanted, const Snapshot& before);

}  // namespace theus
