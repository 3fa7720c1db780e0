#include "runtime/schema_document.hpp"

#include "runtime/schema_compiler.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace theus {
namespace {

Value sorted_texts(const Value& list) {
  std::set<std::string> texts;
  for (const Value& each : list.items())
    texts.emplace(each.is_string() ? each.as_string() : "null");
  Value sorted = Value::list();
  for (const std::string& text : texts)
    sorted.push_back(text);
  return sorted;
}

// YAML's plain null stands for the type of that name.
Value normalised_type(const Value& type) {
  if (type.is_null())
    return "null";
  if (!type.is_list())
    return type;
  Value sorted = sorted_texts(type);
  std::vector<Value> kept;
  const auto names = [&](std::string_view name) {
    return std::ranges::any_of(sorted.items(), [&](const Value& each) { return each == Value{name}; });
  };
  const bool any_number = names("number") || (names("integer") && names("real"));
  for (const Value& each : sorted.items())
    if (!any_number || (each != Value{"integer"} && each != Value{"real"}))
      kept.push_back(each);
  if (any_number && !names("number"))
    kept.emplace_back("number");
  return kept.size() == 1 ? kept.front() : sorted_texts(Value::list(std::move(kept)));
}

bool says_nothing(const Value& schema) { return schema == Value::map() || schema == Value{true}; }

Value each_normalised(const Value& container) {
  Value made = container;
  for (std::size_t i = 0; container.is_list() && i < container.size(); ++i)
    made.replace(i, normalised_schema(container[i]));
  for (const auto [key, item] : container.members())
    made.set(key, normalised_schema(item));
  return made;
}

struct KeywordForm {
  std::string_view keyword;
  /// The keyword's value in its one form; nothing when it says nothing.
  std::optional<Value> (*form)(const Value&);
};

std::optional<Value> unless_empty(Value value) {
  return value.empty() ? std::nullopt : std::optional{std::move(value)};
}

constexpr auto schema_form = [](const Value& value) -> std::optional<Value> {
  Value made = value.is_list() ? each_normalised(value) : normalised_schema(value);
  return says_nothing(made) ? std::nullopt : std::optional{std::move(made)};
};
constexpr auto table_form = [](const Value& value) { return unless_empty(each_normalised(value)); };
constexpr auto list_form = [](const Value& value) -> std::optional<Value> { return each_normalised(value); };
constexpr auto flag_form = [](const Value& value) -> std::optional<Value> {
  return value == Value{true} ? std::optional{value} : std::nullopt;
};

constexpr KeywordForm forms[] = {
    {"type", [](const Value& value) -> std::optional<Value> { return normalised_type(value); }},
    {"required", [](const Value& value) { return unless_empty(sorted_texts(value)); }},
    {"properties", table_form},
    {"definitions", table_form},
    {"$defs", table_form},
    {"items", schema_form},
    {"additionalItems", schema_form},
    {"additionalProperties", schema_form},
    {"not", [](const Value& value) -> std::optional<Value> { return normalised_schema(value); }},
    {"allOf", list_form},
    {"anyOf", list_form},
    {"oneOf", list_form},
    {"uniqueItems", flag_form},
    {"x-secret", flag_form},
    {"x-non-finite", flag_form},
    {"$schema", [](const Value&) -> std::optional<Value> { return std::nullopt; }},
};

}  // namespace

Value normalised_schema(const Value& document) {
  if (document == Value{true})
    return Value::map();
  if (!document.is_map())
    return document;
  Value made = Value::map();
  for (const auto [key, item] : document.members()) {
    const auto row = std::ranges::find(forms, key, &KeywordForm::keyword);
    const auto kept = row == std::end(forms) ? std::optional{item} : row->form(item);
    if (kept)
      made.set(key, *kept);
  }
  return made;
}

bool has_references(const Value& document) {
  if (document.contains("$ref"))
    return true;
  for (const Value& item : document.items())
    if (has_references(item))
      return true;
  for (const auto [key, item] : document.members())
    if (has_references(item))
      return true;
  return false;
}

}  // namespace theus
