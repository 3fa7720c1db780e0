#pragma once

// Small Values as a run of bytes without pointers, for the slots of a ring: built and searched without allocation.
//
//   0 null | 1 false | 2 true | 3 double: 8 bytes | 4 bytes: size, content | 5 heavy: 64 bytes
//   6 list: size, items | 7 map: size, members (each a string, then an item), in canonical order
//   16+n integer: n bytes (0 to 8), two's complement | 128+n string: n bytes (0 to 127)
// `size` is one byte and counts the bytes that follow, so items can be skipped unread. Little endian.

#include <theus/value.hpp>

#include <cstddef>
#include <span>

namespace theus {

// Not an optional: that is returned as two parts, which the caller joins in memory.
inline constexpr std::size_t does_not_fit = ~std::size_t{0};

/// The bytes used of `room`, or does_not_fit. REQUIRES: room.size() <= 127.
std::size_t pack(const Value& value, std::span<std::byte> room) noexcept;
/// The same for a map that has not been built; the last of equal keys wins. At most 16 members fit.
std::size_t pack(std::span<const Member> members, std::span<std::byte> room) noexcept;

/// Whether the bytes are one value as pack() writes it, but for the order of members: of what came from elsewhere.
bool is_packed(std::span<const std::byte> bytes) noexcept;

// REQUIRES for all that follow: the bytes were written by pack(), or is_packed().

Value unpack(std::span<const std::byte> packed);
Value::Kind packed_kind(std::span<const std::byte> packed) noexcept;
/// The member or element alone; empty when it is absent.
std::span<const std::byte> packed_member(std::span<const std::byte> packed, std::string_view key) noexcept;
std::span<const std::byte> packed_element(std::span<const std::byte> packed, std::size_t index) noexcept;

}  // namespace theus
