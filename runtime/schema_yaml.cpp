#include "runtime/escape.hpp"

#include <theus/json.hpp>
#include <theus/state_schema.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace theus {
namespace {

// What YAML readers of one kind or another take for something else than a text.
constexpr std::array<std::string_view, 12> words{"null", "true", "false", "yes", "no",  "on",
                                                 "off",  "y",    "n",     "nan", "inf", "~"};

bool is_plain(std::string_view text) {
  constexpr std::size_t plain_bytes_max = 64;
  const auto fits = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-' || c == '$';
  };
  if (text.empty() || text.size() > plain_bytes_max || !std::ranges::all_of(text, fits))
    return false;
  std::string lower{text};
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const bool begins_well = std::isalpha(static_cast<unsigned char>(text[0])) != 0 || text[0] == '_' || text[0] == '$';
  return begins_well && std::ranges::find(words, lower) == words.end();
}

/// JSON's spelling, with characters escaped that files may not hold as they are.
std::string quoted(std::string_view text) {
  const std::string json = to_json(Value{text});
  std::string made;
  for (std::size_t at = 0; at < json.size();) {
    const CodePoint point = decode_utf8(std::string_view{json}.substr(at));
    if (is_unsafe(point.value)) {
      constexpr std::string_view digits = "0123456789abcdef";
      made += "\\U";
      for (int shift = 28; shift >= 0; shift -= 4)
        made += digits[(point.value >> shift) & 15];
    } else {
      made += json.substr(at, point.length);
    }
    at += point.length;
  }
  return made;
}

std::string text_of(std::string_view text) { return is_plain(text) ? std::string{text} : quoted(text); }

std::string scalar(const Value& value) {
  if (value.is_string())
    return text_of(value.as_string());
  return to_json(value);
}

bool is_short(const Value& value) {
  if (value.is_list())
    return std::ranges::all_of(value.items(), [](const Value& each) { return !each.is_list() && !each.is_map(); });
  return !value.is_map() || value.empty();
}

std::string in_line(const Value& value) {
  if (value.is_map())
    return "{}";
  if (!value.is_list())
    return scalar(value);
  std::string text = "[";
  for (const Value& item : value.items())
    text += (text.size() == 1 ? "" : ", ") + scalar(item);
  return text + "]";
}

void write(const Value& value, std::size_t indent, std::string& out);

void write_after(std::string_view start, const Value& value, std::size_t indent, std::string& out) {
  out += std::string(indent, ' ') + std::string{start};
  if (is_short(value)) {
    out += ' ' + in_line(value) + '\n';
    return;
  }
  out += '\n';
  write(value, indent + 2, out);
}

void write(const Value& value, std::size_t indent, std::string& out) {
  for (const Value& item : value.items())
    write_after("-", item, indent, out);
  for (const auto [key, item] : value.members())
    write_after(text_of(key) + ":", item, indent, out);
}

}  // namespace

std::string schema_yaml(const Value& document) {
  if (is_short(document))
    return in_line(document) + "\n";
  std::string text;
  write(document, 0, text);
  return text;
}

}  // namespace theus
