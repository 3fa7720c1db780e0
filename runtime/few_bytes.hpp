#pragma once

// Copies and comparisons of few bytes whose number is not known beforehand, without a call: as two parts of a fixed
// size that may overlap.

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace theus {

/// A word of the first 1 to 8 bytes, the others 0.
[[gnu::always_inline]] inline std::uint64_t first_bytes(const void* from, std::size_t count) noexcept {
  const auto part = [&]<class Part>(Part value, std::size_t at) {
    std::memcpy(&value, static_cast<const std::byte*>(from) + at, sizeof value);
    return std::uint64_t{value} << (8 * at);
  };
  if (count == 8)
    return part(std::uint64_t{}, 0);
  if (count >= 4)
    return part(std::uint32_t{}, 0) | part(std::uint32_t{}, count - 4);
  return part(std::uint8_t{}, 0) | part(std::uint8_t{}, count / 2) | part(std::uint8_t{}, count - 1);
}

[[gnu::always_inline]] inline void copy_few(void* to, const void* from, std::size_t count) noexcept {
  const auto ends = [&]<class Part>(Part first) {
    Part last;
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&last, static_cast<const std::byte*>(from) + count - sizeof last, sizeof last);
    std::memcpy(to, &first, sizeof first);
    std::memcpy(static_cast<std::byte*>(to) + count - sizeof last, &last, sizeof last);
  };
  if (count > 16)
    std::memcpy(to, from, count);
  else if (count >= 8)
    ends(std::uint64_t{});
  else if (count >= 4)
    ends(std::uint32_t{});
  else if (count >= 2)
    ends(std::uint16_t{});
  else if (count == 1)
    ends(std::uint8_t{});
}

[[gnu::always_inline]] inline bool equal_few(const void* a, const void* b, std::size_t count) noexcept {
  if (count == 0)
    return true;
  return count <= 8 ? first_bytes(a, count) == first_bytes(b, count) : std::memcmp(a, b, count) == 0;
}

}  // namespace theus
