#pragma once

#include <theus/snapshot.hpp>
#include <theus/write.hpp>

#include <vector>

namespace theus {

/// What makes the one state the other, meta and private zone included: paths that go away, then the values that were
/// written as one. Values that are equal change nothing when they are set. May throw bad_alloc.
std::vector<Write> writes_between(const Snapshot& before, const Snapshot& after);

}  // namespace theus
