#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace theus {

/// The known name that `name` was most likely meant to be (fewest edits, letter case aside), or an empty view when
/// none is near. Names over 64 bytes are only compared for equality without case.
std::string_view nearest(std::string_view name, std::span<const std::string> known) noexcept;

/// A sentence for an error: "Did you mean 'steps'?", or else "Known are a, b, c" with at most ten names.
std::string suggest(std::string_view name, std::span<const std::string> known);

}  // namespace theus
