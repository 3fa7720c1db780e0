#pragma once

#include <theus/escape.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace theus {

struct CodePoint {
  std::uint32_t value;
  std::size_t length;  // in bytes; 0 when they are not UTF-8
};

/// The first code point of a text. REQUIRES: the text is not empty.
CodePoint decode_utf8(std::string_view text) noexcept;

/// Whether a code point drives terminals or hides text: control, bidirectional override, byte order mark.
bool is_unsafe(std::uint32_t code_point) noexcept;

/// Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool is_utf8(std::string_view text) noexcept;

/// A position of the first control, bidirectional or byte-order-mark character, or npos.
/// Tab and line feed count only when `lines` is false. Expects valid UTF-8.
std::size_t find_unsafe(std::string_view text, bool lines) noexcept;

}  // namespace theus
