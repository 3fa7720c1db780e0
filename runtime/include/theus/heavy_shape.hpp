#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <type_traits>

namespace theus {

/// What the elements of a heavy buffer are. Numbers are stable: they stand in handles.
enum class HeavyType : std::uint8_t { u8 = 1, i8, u16, i16, u32, i32, u64, i64, f32, f64 };

/// "u8", "f64" and so on; "unknown" for a number that is none.
std::string_view to_string(HeavyType type) noexcept;

/// Bytes of one element; 0 for a number that is no type.
constexpr std::size_t size_of(HeavyType type) noexcept {
  switch (type) {
    case HeavyType::u8:
    case HeavyType::i8: return 1;
    case HeavyType::u16:
    case HeavyType::i16: return 2;
    case HeavyType::u32:
    case HeavyType::i32:
    case HeavyType::f32: return 4;
    case HeavyType::u64:
    case HeavyType::i64:
    case HeavyType::f64: return 8;
  }
  return 0;
}

/// Types whose arrays can be heavy buffers: plain numbers, and std::byte, which is stored as u8.
template <class T>
concept HeavyElement = std::is_same_v<T, std::byte> || std::is_same_v<T, float> || std::is_same_v<T, double> ||
                       (std::is_integral_v<T> && !std::is_same_v<T, bool> && sizeof(T) <= 8);

template <HeavyElement T>
constexpr HeavyType heavy_type_of() noexcept {
  if constexpr (std::is_same_v<T, float>)
    return HeavyType::f32;
  else if constexpr (std::is_same_v<T, double>)
    return HeavyType::f64;
  else if constexpr (std::is_same_v<T, std::byte> || (sizeof(T) == 1 && std::is_unsigned_v<T>))
    return HeavyType::u8;
  else if constexpr (sizeof(T) == 1)
    return HeavyType::i8;
  else if constexpr (sizeof(T) == 2)
    return std::is_signed_v<T> ? HeavyType::i16 : HeavyType::u16;
  else if constexpr (sizeof(T) == 4)
    return std::is_signed_v<T> ? HeavyType::i32 : HeavyType::u32;
  else
    return std::is_signed_v<T> ? HeavyType::i64 : HeavyType::u64;
}

/// The extents of an array of one to four dimensions, the last one running fastest.
class HeavyShape {
public:
  static constexpr std::size_t dimensions_max = 4;

  HeavyShape() noexcept = default;
  /// Of more than four extents, none are taken: the shape then is the empty one, which nothing accepts.
  HeavyShape(std::initializer_list<std::uint64_t> extents) noexcept {
    if (extents.size() > dimensions_max)
      return;
    for (const std::uint64_t extent : extents)
      extents_[dimensions_++] = extent;
  }
  HeavyShape(std::array<std::uint64_t, dimensions_max> extents, std::size_t dimensions) noexcept
      : extents_(extents), dimensions_(static_cast<std::uint8_t>(dimensions)) {}

  std::size_t dimensions() const noexcept { return dimensions_; }
  /// 0 beyond the dimensions.
  std::uint64_t operator[](std::size_t dimension) const noexcept {
    return dimension < dimensions_max ? extents_[dimension] : 0;
  }
  const std::array<std::uint64_t, dimensions_max>& extents() const noexcept { return extents_; }

  /// Bytes of all elements; nothing when there is no dimension, an extent is 0, or the product does not fit.
  std::optional<std::uint64_t> bytes(HeavyType type) const noexcept {
    std::uint64_t product = size_of(type);
    for (std::size_t i = 0; i < dimensions_; ++i)
      if (__builtin_mul_overflow(product, extents_[i], &product))
        return std::nullopt;
    return dimensions_ == 0 || product == 0 ? std::nullopt : std::optional{product};
  }

  friend bool operator==(const HeavyShape&, const HeavyShape&) = default;

private:
  std::array<std::uint64_t, dimensions_max> extents_{};
  std::uint8_t dimensions_ = 0;
};

}  // namespace theus
