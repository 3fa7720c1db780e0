#pragma once

#include <theus/value.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace theus {

// The one grammar of numbers, for YAML scalars, expressions and CSV fields (it is JSON's):
//
//   number  = ["-"] whole ["." digits] [("e" | "E") ["+" | "-"] digits]
//   whole   = "0" | nonzero-digit {digit}
//
// Without fraction and exponent it is a 64-bit integer, else a double; one that does not fit is out of range.

/// Bytes of the longest number that `text` begins with; 0 when it begins with none.
std::size_t number_length(std::string_view text) noexcept;

enum class NumberForm { none, valid, out_of_range };

struct Number {
  NumberForm form;
  Value value;  // null unless valid
};

/// The whole of `text` as a number.
Number parse_number(std::string_view text) noexcept;

/// Whether other grammars would take `text`, which is no number here, for one: 0x1f, 017, +1, .5, 1_000, .inf.
bool resembles_number(std::string_view text) noexcept;

/// The shortest text that reads back as the same number, with a fraction or exponent: "0.1", "3.0", "1e+300".
std::string real_text(double number);

}  // namespace theus
