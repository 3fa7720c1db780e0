// What a check says: what was wanted, and what was there.

#include "runtime/escape.hpp"
#include "runtime/expression_compare.hpp"
#include "runtime/schema_report.hpp"

#include <theus/json.hpp>
#include <theus/nearest.hpp>

#include <cmath>

namespace theus {
namespace {

constexpr std::size_t shown_bytes_max = 80;
constexpr std::size_t listed_max = 10;

// As schemas name the kinds.
constexpr std::string_view kind_names[] = {"null",  "boolean", "integer", "real", "string",
                                           "bytes", "array",   "object",  "heavy"};
constexpr std::uint16_t every_kind = 0x1ff;
constexpr std::uint16_t numbers =
    1U << static_cast<unsigned>(Value::Kind::integer) | 1U << static_cast<unsigned>(Value::Kind::real);

std::string joined(const std::vector<std::string>& texts, std::string_view last) {
  std::string all;
  for (std::size_t i = 0; i < texts.size(); ++i)
    all += (i == 0 ? "" : i + 1 == texts.size() ? " " + std::string{last} + " " : ", ") + texts[i];
  return all;
}

std::string kinds_text(std::uint16_t kinds) {
  std::vector<std::string> names;
  const bool any_number = (kinds & numbers) == numbers;
  for (std::size_t kind = 0; kind < std::size(kind_names); ++kind)
    if (((kinds >> kind) & 1) != 0 && (!any_number || kind != static_cast<std::size_t>(Value::Kind::real)))
      names.emplace_back(any_number && kind == static_cast<std::size_t>(Value::Kind::integer) ? "number"
                                                                                              : kind_names[kind]);
  return names.empty() ? "nothing" : joined(names, "or");
}

std::string cut(std::string_view text) {
  if (text.size() <= shown_bytes_max)
    return std::string{text};
  std::size_t end = shown_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return std::string{text.substr(0, end)} + "...";
}

/// Texts in quotes, so that "3" is told from 3.
std::string text_of(const Value& value) { return cut(to_json(value)); }

}  // namespace

bool is_multiple(const Value& number, const Value& of) noexcept {
  if (number.is_int() && of.is_int())
    return of.as_int() == 1 || number.as_int() % of.as_int() == 0;
  const double rest = std::abs(std::remainder(number.as_number(), of.as_number()));
  return rest <= 2 * std::numeric_limits<double>::epsilon() * std::abs(number.as_number());
}

std::string counted(std::size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string{noun} + (count == 1 ? "" : "s");
}

void SchemaCheck::Report::add(std::string wanted, SchemaView view) {
  Violation found{at, std::move(wanted), {}, true};
  const auto describe = [&](std::string_view text) { found.got = text; };
  if (secrets > 0) {
    describe("(secret)");
  } else if (view.map != nullptr) {
    describe("a map of " + counted(view.map->count, "member"));
  } else {
    const Value& value = *view.value;
    switch (value.kind()) {
      case Value::Kind::null:
      case Value::Kind::boolean:
      case Value::Kind::integer:
      case Value::Kind::real:
        found.got = value;
        found.is_described = false;
        break;
      case Value::Kind::string:
        found.got = cut(value.as_string());
        found.is_described = false;
        break;
      case Value::Kind::bytes: describe(counted(value.size(), "byte")); break;
      case Value::Kind::list: describe("a list of " + counted(value.size(), "element")); break;
      case Value::Kind::map: describe("a map of " + counted(value.size(), "member")); break;
      case Value::Kind::heavy: describe("a heavy reference"); break;
    }
  }
  violations.add(std::move(found));
}

void SchemaCheck::Report::add_missing(std::string wanted) { violations.add({at, std::move(wanted), "nothing", true}); }

std::string SchemaCheck::wanted(SchemaId schema) const {
  if (schema == any_value)
    return "a value";
  if (schema == no_value)
    return "nothing";
  const SchemaNode& node = program_.nodes[schema];
  const SchemaWords& words = words_of(node);
  if (!words.title.empty())
    return words.title;
  if (node.has_allowed)
    return node.is_secret ? "one of the allowed values"
                          : wanted_of(std::span{program_.values}.subspan(node.allowed.first, node.allowed.count));
  if (node.kinds != every_kind) {
    std::string text = kinds_text(node.kinds);
    if (!words.minimum.is_null())
      text += " >= " + text_of(words.minimum);
    if (!words.maximum.is_null())
      text += " <= " + text_of(words.maximum);
    if (!words.pattern.empty())
      text += " that matches " + words.pattern;
    return text;
  }
  const auto any = node.any_of.count > 0 ? node.any_of : node.one_of;
  if (any.count > 0)
    return "one of " + counted(any.count, "alternative");
  return node.required_count > 0 ? "what has " + counted(node.required_count, "required member")
                                 : "what the schema describes";
}

std::string SchemaCheck::wanted_of(std::span<const SchemaId> alternatives) const {
  std::vector<std::string> texts;
  for (const SchemaId each : alternatives) {
    if (texts.size() == listed_max) {
      texts.push_back(counted(alternatives.size() - listed_max, "further alternative"));
      break;
    }
    texts.push_back(wanted(each));
  }
  return joined(texts, "or");
}

std::string SchemaCheck::wanted_of(std::span<const Value> allowed) {
  std::vector<std::string> texts;
  for (const Value& each : allowed) {
    if (texts.size() == listed_max) {
      texts.push_back(counted(allowed.size() - listed_max, "further value"));
      break;
    }
    texts.push_back(text_of(each));
  }
  return joined(texts, "or");
}

std::string SchemaCheck::suggestion_for(const SchemaNode& node, std::string_view key) const {
  std::vector<std::string> known;
  for (std::uint32_t i = 0; i < node.properties.count; ++i)
    if (const SchemaProperty& property = program_.properties[node.properties.first + i]; property.is_declared)
      known.push_back(property.key);
  const std::string_view near = nearest(key, known);
  return near.empty() ? "" : "; perhaps '" + std::string{near} + "' was meant";
}

void SchemaCheck::report_missing(const SchemaNode& node, SchemaView view) {
  for (std::uint32_t i = 0; i < node.properties.count; ++i) {
    const SchemaProperty& property = program_.properties[node.properties.first + i];
    if (!property.is_required)
      continue;
    const bool there = view.map != nullptr ? find_child(*view.map, property.key, property.hash) != nullptr
                                           : view.value->contains(property.key);
    if (there)
      continue;
    Path around = report_->enter(property.key);
    report_->add_missing(wanted(property.schema));
    report_->leave(std::move(around));
  }
}

void SchemaCheck::report_number(const SchemaNode& node, const Value& value) {
  const SchemaWords& words = words_of(node);
  const auto unless = [&](bool good, std::string_view text, const Value& bound) {
    if (!good)
      report_->add(std::string{text} + text_of(bound), SchemaView::of(value));
  };
  const auto order = [&](const Value& bound) { return ordering(value, bound); };
  if (!words.minimum.is_null())
    unless(order(words.minimum) >= 0, ">= ", words.minimum);
  if (!words.above.is_null())
    unless(order(words.above) > 0, "> ", words.above);
  if (!words.maximum.is_null())
    unless(order(words.maximum).value_or(1) <= 0, "<= ", words.maximum);
  if (!words.below.is_null())
    unless(order(words.below).value_or(1) < 0, "< ", words.below);
  if (!words.multiple_of.is_null())
    unless(is_multiple(value, words.multiple_of), "a multiple of ", words.multiple_of);
}

bool SchemaCheck::may_be_non_finite(SchemaId schema, std::span<const Segment> path, unsigned depth) {
  if (schema == any_value || schema == no_value || depth == depth_max || ++repeated_steps_ > repeated_steps_max)
    return false;
  const SchemaNode& node = program_.nodes[schema];
  for (const SchemaRange range : {node.all_of, node.any_of, node.one_of})
    for (std::uint32_t i = 0; i < range.count; ++i)
      if (may_be_non_finite(program_.alternatives[range.first + i], path, depth + 1))
        return true;
  if (path.empty())
    return node.allows_non_finite;
  const Segment& step = path.front();
  return may_be_non_finite(step.is_index() ? program_.item(node, static_cast<std::size_t>(step.index))
                                           : program_.member(node, step.key, step.hash),
                           path.subspan(1), depth + 1);
}

bool SchemaCheck::is_secret(SchemaId schema, std::span<const Segment> path, unsigned depth) {
  if (schema == any_value || schema == no_value)
    return false;
  if (depth == depth_max || ++repeated_steps_ > repeated_steps_max)
    return true;  // nobody knows
  const SchemaNode& node = program_.nodes[schema];
  if (node.is_secret)
    return true;
  for (const SchemaRange range : {node.all_of, node.any_of, node.one_of})
    for (std::uint32_t i = 0; i < range.count; ++i)
      if (is_secret(program_.alternatives[range.first + i], path, depth + 1))
        return true;
  if (path.empty())
    return false;
  const Segment& step = path.front();
  return is_secret(step.is_index() ? program_.item(node, static_cast<std::size_t>(step.index))
                                   : program_.member(node, step.key, step.hash),
                   path.subspan(1), depth + 1);
}

Error error_of(const Violations& violations, std::string remedy) {
  const Violation& first = violations.kept.front();
  Value list = Value::list();
  for (const Violation& each : violations.kept)
    list.push_back({{"path", each.path.text()}, {"wanted", each.wanted}, {"got", each.got}});
  const std::string got = first.is_described ? std::string{first.got.as_string()} : text_of(first.got);
  const std::string others =
      violations.count > 1 ? " (the first of " + counted(violations.count, "violation") + ")" : "";
  return Error{Errc::schema_violation, first.path.is_root() ? "the value" : first.path.text(),
               "wanted " + first.wanted + ", got " + got + others, std::move(remedy)}
      .with("path", first.path.text())
      .with("wanted", first.wanted)
      .with("got", first.got)
      .with("violations", std::move(list))
      .with("count", violations.count);
}

}  // namespace theus
