#pragma once

#include "tests/support/history.hpp"

namespace theus::testing {

/// Whether some order of the operations explains all answers, by trying the orders: the second judge of
/// find_violation(), with the same rules, written without its ideas. REQUIRES: at most 16 operations.
bool has_explanation(const History& history);

}  // namespace theus::testing
