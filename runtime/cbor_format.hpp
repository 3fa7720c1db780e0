#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>

namespace theus {

/// Major types of CBOR (RFC 8949, 3.1).
enum class CborMajor : std::uint8_t { unsigned_int, negative_int, bytes, text, array, map, tag, simple };

inline constexpr std::uint64_t cbor_heavy_tag = 0x54484553;

// Additional information of an initial byte: what follows it.
inline constexpr std::uint8_t cbor_one_byte = 24;
inline constexpr std::uint8_t cbor_two_bytes = 25;
inline constexpr std::uint8_t cbor_four_bytes = 26;
inline constexpr std::uint8_t cbor_eight_bytes = 27;

// Simple values, in the same place.
inline constexpr std::uint8_t cbor_false = 20;
inline constexpr std::uint8_t cbor_true = 21;
inline constexpr std::uint8_t cbor_null = 22;

/// A binary floating-point format of IEEE 754 narrower than double.
struct FloatFormat {
  int exponent_bits;
  int mantissa_bits;

  constexpr int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  constexpr std::uint64_t exponent_mask() const { return (std::uint64_t{1} << exponent_bits) - 1; }
  constexpr int dropped_bits() const { return 52 - mantissa_bits; }
};

inline constexpr FloatFormat half_format{5, 10};
inline constexpr FloatFormat single_format{8, 23};

/// The bits of the double in the format, if nothing gets lost. Works on bits alone, so that no NaN is touched.
constexpr std::optional<std::uint64_t> narrowed(double number, FloatFormat format) {
  const auto bits = std::bit_cast<std::uint64_t>(number);
  const std::uint64_t sign = bits >> 63 << (format.exponent_bits + format.mantissa_bits);
  const auto exponent = static_cast<int>(bits >> 52 & 0x7ff);
  const std::uint64_t mantissa = bits & 0xfffffffffffff;
  const auto ends_in_zeros = [](std::uint64_t word, int count) { return word >> count << count == word; };
  if (exponent == 0)
    return mantissa == 0 ? std::optional{sign} : std::nullopt;
  const int power = exponent - 1023;
  if (exponent == 0x7ff || (power >= 1 - format.bias() && power <= format.bias())) {
    if (!ends_in_zeros(mantissa, format.dropped_bits()))
      return std::nullopt;
    const std::uint64_t biased =
        exponent == 0x7ff ? format.exponent_mask() : static_cast<std::uint64_t>(power + format.bias());
    return sign | biased << format.mantissa_bits | mantissa >> format.dropped_bits();
  }
  // What is too small for a normal number of the format may be a subnormal one.
  const int shift = format.dropped_bits() + 1 - format.bias() - power;
  const std::uint64_t significand = std::uint64_t{1} << 52 | mantissa;
  if (power > format.bias() || shift > 52 || !ends_in_zeros(significand, shift))
    return std::nullopt;
  return sign | significand >> shift;
}

/// The double of bits in the format.
inline double widened(std::uint64_t bits, FloatFormat format) {
  const std::uint64_t sign = bits >> (format.exponent_bits + format.mantissa_bits) << 63;
  const std::uint64_t exponent = bits >> format.mantissa_bits & format.exponent_mask();
  const std::uint64_t mantissa = bits & ((std::uint64_t{1} << format.mantissa_bits) - 1);
  if (exponent == 0) {
    const double magnitude = std::ldexp(static_cast<double>(mantissa), 1 - format.bias() - format.mantissa_bits);
    return std::bit_cast<double>(sign | std::bit_cast<std::uint64_t>(magnitude));
  }
  const std::uint64_t biased =
      exponent == format.exponent_mask() ? 0x7ff : exponent + 1023 - static_cast<std::uint64_t>(format.bias());
  return std::bit_cast<double>(sign | biased << 52 | mantissa << format.dropped_bits());
}

}  // namespace theus
