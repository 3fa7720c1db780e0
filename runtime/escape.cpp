#include "runtime/escape.hpp"

#include <array>
#include <cstring>

namespace theus {

CodePoint decode_utf8(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80)
    return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length)
    return {0, 0};
  std::uint32_t code_point = lead & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80)
      return {0, 0};
    code_point = code_point << 6 | (byte(i) & 0x3fU);
  }
  constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code_point >= 0xd800 && code_point < 0xe000;
  if (code_point < least[length] || surrogate || code_point > 0x10ffff)
    return {0, 0};
  return {code_point, length};
}

bool is_unsafe(std::uint32_t c) noexcept {
  const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  const bool line_separator = c == 0x2028 || c == 0x2029;
  const bool bidirectional =
      c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
  return control || line_separator || bidirectional || c == 0xfeff;
}

namespace {

std::string hex(std::uint32_t value, int digits) {
  std::string text(static_cast<std::size_t>(digits), '0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, value >>= 4)
    *at = "0123456789abcdef"[value & 15];
  return text;
}

// How many bytes at the front are ASCII, counted in words where possible.
std::size_t ascii_prefix(std::string_view text) noexcept {
  std::size_t at = 0;
  for (std::uint64_t word = 0; text.size() - at >= sizeof word; at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    if ((word & 0x8080808080808080ULL) != 0)
      break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80)
    ++at;
  return at;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint next = decode_utf8(text);
    const std::size_t length = next.length == 0 ? 1 : next.length;
    if (next.length == 0)
      out += "\\x" + hex(static_cast<unsigned char>(text[0]), 2);
    else if (next.value == '\n')
      out += "\\n";
    else if (next.value == '\t')
      out += "\\t";
    else if (is_unsafe(next.value))
      out += next.value < 0x100 ? "\\x" + hex(next.value, 2) : "\\u" + hex(next.value, 4);
    else
      out += text.substr(0, length);
    text.remove_prefix(length);
  }
  return out;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    text.remove_prefix(ascii_prefix(text));
    if (text.empty())
      return true;
    const CodePoint next = decode_utf8(text);
    if (next.length == 0)
      return false;
    text.remove_prefix(next.length);
  }
  return true;
}

std::size_t find_unsafe(std::string_view text, bool lines) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint next = decode_utf8(text.substr(at));
    const bool line = lines && (next.value == '\n' || next.value == '\t' || next.value == '\r');
    if (next.length == 0 || (is_unsafe(next.value) && !line))
      return at;
    at += next.length;
  }
  return std::string_view::npos;
}

}  // namespace theus
