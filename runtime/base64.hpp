#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace theus {

/// Base64 with padding (RFC 4648, section 4).
std::string to_base64(std::span<const std::byte> bytes);

/// The bytes, or nothing when the text is not exactly what to_base64() writes.
std::optional<std::vector<std::byte>> from_base64(std::string_view text);

}  // namespace theus
