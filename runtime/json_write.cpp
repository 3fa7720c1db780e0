#include <theus/json.hpp>

#include "runtime/base64.hpp"
#include "runtime/escape.hpp"
#include "runtime/json_tags.hpp"
#include "runtime/number.hpp"
#include "runtime/walk.hpp"

#include <bit>
#include <cmath>

namespace theus {
namespace {

void append_hex(std::string& out, std::uint64_t number, unsigned digits) {
  while (digits-- > 0)
    out += "0123456789abcdef"[number >> (4 * digits) & 15];
}

void append_escape(std::string& out, std::uint32_t code_point) {
  constexpr std::string_view characters = "\"\\\b\f\n\r\t";
  constexpr std::string_view letters = "\"\\bfnrt";
  const std::size_t at = code_point < 0x80 ? characters.find(static_cast<char>(code_point)) : std::string_view::npos;
  out += '\\';
  if (at != std::string_view::npos) {
    out += letters[at];
  } else {
    out += 'u';
    append_hex(out, code_point, 4);
  }
}

void append_string(std::string& out, std::string_view text) {
  const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
  out += '"';
  while (!text.empty()) {
    const auto plain = static_cast<std::size_t>(std::ranges::find_if_not(text, is_plain) - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty())
      break;
    const CodePoint next = decode_utf8(text);
    if (next.length == 0)
      out += "\ufffd";
    else if (next.value == '"' || next.value == '\\' || is_unsafe(next.value))
      append_escape(out, next.value);
    else
      out += text.substr(0, next.length);
    text.remove_prefix(std::max<std::size_t>(next.length, 1));
  }
  out += '"';
}

void append_real(std::string& out, double number) {
  if (std::isfinite(number)) {
    out += real_text(number);
    return;
  }
  out += "{\"$real\":\"";
  const auto bits = std::bit_cast<std::uint64_t>(number);
  if (std::isinf(number)) {
    out += number < 0 ? "-inf" : "inf";
  } else {
    out += "nan";
    if (bits != std::bit_cast<std::uint64_t>(std::numeric_limits<double>::quiet_NaN())) {
      out += ':';
      append_hex(out, bits, 16);
    }
  }
  out += "\"}";
}

void append_scalar(std::string& out, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null: out += "null"; return;
    case Value::Kind::boolean: out += value.as_bool() ? "true" : "false"; return;
    case Value::Kind::integer: out += std::to_string(value.as_int()); return;
    case Value::Kind::real: append_real(out, value.as_double()); return;
    case Value::Kind::string: append_string(out, value.as_string()); return;
    case Value::Kind::bytes: out += "{\"$bytes\":\"" + to_base64(value.as_bytes()) + "\"}"; return;
    case Value::Kind::heavy:
      out += "{\"$heavy\":\"";
      for (const std::uint64_t word : value.as_heavy().words)
        append_hex(out, word, 16);
      out += "\"}";
      return;
    case Value::Kind::list:
    case Value::Kind::map: return;
  }
}

bool looks_tagged(const Value& map) { return map.size() == 1 && is_tag_like((*map.members().begin()).key); }

}  // namespace

std::string to_json(const Value& value, std::optional<unsigned> indent) {
  std::string out;
  const auto new_line = [&](std::size_t depth) {
    if (indent)
      out.append(1, '\n').append(depth * *indent, ' ');
  };
  bool in_tagged = false;  // whether the next key needs another dollar sign
  Walk walk{value};
  while (walk.next()) {
    const Value& current = walk.value();
    if (walk.step() == Walk::Step::leave) {
      if (!current.empty())
        new_line(walk.depth());
      out += current.is_list() ? ']' : '}';
      continue;
    }
    if (walk.depth() > 0) {
      if (!walk.is_first())
        out += ',';
      new_line(walk.depth());
    }
    if (const std::string_view* key = walk.key()) {
      append_string(out, in_tagged ? '$' + std::string{*key} : *key);
      out += indent ? ": " : ":";
    }
    if (walk.step() == Walk::Step::enter)
      out += current.is_list() ? '[' : '{';
    else
      append_scalar(out, current);
    in_tagged = current.is_map() && looks_tagged(current);
  }
  return out;
}

}  // namespace theus
