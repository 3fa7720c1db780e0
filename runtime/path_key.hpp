#pragma once

#include <string_view>

namespace theus {

/// Why no path can name the key, or nullptr.
const char* key_fault(std::string_view key) noexcept;

}  // namespace theus
