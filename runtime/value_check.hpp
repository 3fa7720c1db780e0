#pragma once

#include <theus/limits.hpp>
#include <theus/write.hpp>

#include <span>

namespace theus {

/// Whether all of this may enter the state, whatever the state is: within the limits of check_limits(), and without NaN
/// or infinity (bad_argument). Costs nothing to speak of for scalars, one walk for lists and maps. Any thread.
Status check_values(std::span<const Write> writes);

}  // namespace theus
