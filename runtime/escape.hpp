#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
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

/// The text with control, bidirectional-override and invalid UTF-8 bytes written as escapes
/// (\n, \x1b, \u202e), so that a name can neither forge a log line nor drive a terminal.
std::string escaped(std::string_view text);

/// Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool is_utf8(std::string_view text) noexcept;

/// A position of the first control, bidirectional or byte-order-mark character, or npos.
/// Tab and line feed count only when `lines` is false. Expects valid UTF-8.
std::size_t find_unsafe(std::string_view text, bool lines) noexcept;

}  // namespace theus
