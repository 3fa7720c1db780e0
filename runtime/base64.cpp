#include "runtime/base64.hpp"

#include <cstdint>

namespace theus {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string to_base64(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  while (!bytes.empty()) {
    const std::size_t taken = std::min<std::size_t>(bytes.size(), 3);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group = group << 8 | (i < taken ? std::to_integer<std::uint32_t>(bytes[i]) : 0);
    for (std::size_t i = 0; i < 4; ++i)
      text += i <= taken ? alphabet[group >> (18 - 6 * i) & 63] : '=';
    bytes = bytes.subspan(taken);
  }
  return text;
}

std::optional<std::vector<std::byte>> from_base64(std::string_view text) {
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::string_view rest = text;
  while (rest.ends_with('=') && text.size() - rest.size() < 2)
    rest.remove_suffix(1);
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const std::size_t digit = alphabet.find(rest[i]);
    if (digit == std::string_view::npos)
      return std::nullopt;
    group = (group << 6 | static_cast<std::uint32_t>(digit)) & 0xffffff;
    if (i % 4 > 0)
      bytes.push_back(static_cast<std::byte>(group >> (6 - 2 * (i % 4)) & 0xff));
  }
  // Only canonical spellings: whole groups, and no bits set that belong to no byte.
  if (to_base64(bytes) != text)
    return std::nullopt;
  return bytes;
}

}  // namespace theus
