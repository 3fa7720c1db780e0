#pragma once

#include <theus/value.hpp>

#include <optional>

namespace theus {

/// What a JSON text may cost its reader.
struct JsonLimits {
  std::size_t bytes_max = std::size_t{64} << 20;
  /// Lists and maps inside one another; a scalar has depth 0.
  std::size_t depth_max = 64;
};

/// The value that a JSON text (RFC 8259, UTF-8) stands for.
///
/// Numbers without fraction and exponent are integers, all others doubles; one that does not fit is refused, never
/// rounded to another kind. Duplicate keys, anything after the value, comments, NaN and Infinity are refused. What JSON
/// has no words for is an object with one member:
///   {"$bytes": "AAEC"}                     base64 (RFC 4648, section 4)
///   {"$real": "nan" | "inf" | "-inf"}      also "nan:" and 16 hexadecimal digits, the bits of another NaN
///   {"$heavy": "0123..."}                  128 hexadecimal digits, the eight words of a heavy reference
/// and an ordinary map that looks like one of these carries one `$` more: {"$$bytes": 1}.
///
/// Errors: bad_input, or too_large, too_deep when over a limit; with the fields line and column (both from 1, columns
/// in characters) where the reader stopped. Thread-safe.
Result<Value> parse_json(std::string_view text, const JsonLimits& limits = {});

/// The JSON text of a value, from which parse_json() makes an equal one (doubles with the same bits). Members stand in
/// canonical order; `indent` spaces per level, or all on one line. Control characters are escaped in strings, and bytes
/// that are not UTF-8 become U+FFFD.
std::string to_json(const Value& value, std::optional<unsigned> indent = std::nullopt);

}  // namespace theus
