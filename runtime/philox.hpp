#pragma once

#include <array>
#include <cstdint>

namespace theus {

using PhiloxBlock = std::array<std::uint32_t, 4>;

/// Philox4x32-10 of the counter under the key; see <theus/random.hpp>.
PhiloxBlock philox(PhiloxBlock counter, std::array<std::uint32_t, 2> key) noexcept;

}  // namespace theus
