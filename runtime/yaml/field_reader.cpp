#include "runtime/yaml/field_reader.hpp"

#include <theus/nearest.hpp>
#include "runtime/escape.hpp"
#include "runtime/number.hpp"

#include <algorithm>
#include <array>

namespace theus::yaml {
namespace {

struct Unit {
  std::string_view suffix;
  std::chrono::milliseconds length;
};

// "ms" precedes the suffix it ends with.
constexpr std::array units{
    Unit{"ms", std::chrono::milliseconds{1}},
    Unit{"s", std::chrono::seconds{1}},
    Unit{"m", std::chrono::minutes{1}},
    Unit{"h", std::chrono::hours{1}},
};

struct Word {
  std::string_view text;
  int value;  // -1: null
};

// The spellings of YAML 1.2's core schema.
constexpr std::array words{
    Word{"null", -1}, Word{"Null", -1}, Word{"NULL", -1}, Word{"~", -1},    Word{"true", 1},
    Word{"True", 1},  Word{"TRUE", 1},  Word{"false", 0}, Word{"False", 0}, Word{"FALSE", 0},
};

std::string found(const Node& node) {
  return node.is_scalar() ? "'" + node.text.substr(0, 80) + "'" : std::string{describe(node)};
}

std::string text_of(std::chrono::milliseconds duration) {
  for (const Unit& unit : {units[3], units[2], units[1]})
    if (duration.count() > 0 && duration % unit.length == std::chrono::milliseconds{0})
      return std::to_string(duration / unit.length) + std::string{unit.suffix};
  return std::to_string(duration.count()) + "ms";
}

}  // namespace

void FieldReader::add(TextPosition at, std::string cause, std::string suggestion) {
  findings_.add({file_, at, std::move(cause), std::move(suggestion)});
}

bool FieldReader::map(const Node& node, std::string_view what, std::span<const std::string> known) {
  if (!node.is_map()) {
    add(node.at, std::string{what} + " is a map of keys and values, not " + std::string{describe(node)});
    return false;
  }
  for (const Field& member : node.members)
    if (std::ranges::find(known, member.key) == known.end())
      add(member.at, "unknown key '" + member.key + "' in " + std::string{what}, suggest(member.key, known));
  return true;
}

bool FieldReader::list(const Node& node, std::string_view what) {
  if (node.is_list())
    return true;
  add(node.at, std::string{what} + " is a list, not " + found(node),
      "Write each entry in a line of its own, after '- '");
  return false;
}

const Node* FieldReader::required(const Node& map, std::string_view what, std::string_view key) {
  if (const Field* member = map.find(key))
    return &member->node;
  add(map.at, "the key '" + std::string{key} + "' is missing in " + std::string{what});
  return nullptr;
}

std::optional<std::string> FieldReader::text(const Node& node, std::string_view what) {
  const bool safe = find_unsafe(node.text, false) == std::string_view::npos;
  if (node.is_scalar() && !node.text.empty() && safe)
    return node.text;
  const std::string wrong = !safe              ? "one with control characters"
                            : node.is_scalar() ? "an empty one"
                                               : std::string{describe(node)};
  add(node.at, std::string{what} + " is a text, not " + wrong);
  return std::nullopt;
}

std::optional<std::int64_t> FieldReader::integer(const Node& node, std::string_view what, std::int64_t least,
                                                 std::int64_t most) {
  const Number number = node.is_scalar() && node.plain ? parse_number(node.text) : Number{NumberForm::none, {}};
  if (number.value.is_int() && number.value.as_int() >= least && number.value.as_int() <= most)
    return number.value.as_int();
  add(node.at, std::string{what} + " is an integer from " + std::to_string(least) + " to " + std::to_string(most) +
                   ", not " + found(node));
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> FieldReader::duration(const Node& node, std::string_view what,
                                                               std::chrono::milliseconds most) {
  const std::string_view text = node.is_scalar() ? std::string_view{node.text} : std::string_view{};
  const auto unit = std::ranges::find_if(units, [&](const Unit& each) { return text.ends_with(each.suffix); });
  if (unit != units.end()) {
    const Number number = parse_number(text.substr(0, text.size() - unit->suffix.size()));
    if (number.value.is_int() && number.value.as_int() >= 0 && number.value.as_int() <= most / unit->length)
      return number.value.as_int() * unit->length;
  }
  add(node.at, std::string{what} + " is a duration up to " + text_of(most) + ", not " + found(node),
      "Write a whole number and its unit: 50ms, 2s, 1m or 3h");
  return std::nullopt;
}

std::optional<Value> FieldReader::scalar(const Node& node) {
  if (node.kind == Node::Kind::null)
    return Value{};
  if (!node.plain)
    return Value{node.text};
  for (const Word& word : words)
    if (node.text == word.text)
      return word.value < 0 ? Value{} : Value{word.value == 1};
  Number number = parse_number(node.text);
  if (number.form == NumberForm::valid)
    return std::move(number.value);
  if (number.form == NumberForm::none && !resembles_number(node.text))
    return Value{node.text};
  add(node.at,
      number.form == NumberForm::out_of_range ? "the number " + found(node) + " is out of range"
                                              : found(node) + " is neither a number nor clearly a text",
      "Numbers are decimal, without sign '+' or leading zeros; put a text in quotes");
  return std::nullopt;
}

}  // namespace theus::yaml
