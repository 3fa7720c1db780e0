#include "tests/support/naive_schema.hpp"

#include <algorithm>
#include <cmath>

namespace theus::testing {
namespace {

long double number_of(const Value& value) {
  return value.is_int() ? static_cast<long double>(value.as_int()) : static_cast<long double>(value.as_double());
}

bool is_of_type(const Value& type, const Value& value) {
  if (type.is_list())
    return std::ranges::any_of(type.items(), [&](const Value& each) { return is_of_type(each, value); });
  const std::string_view name = type.as_string();
  switch (value.kind()) {
    case Value::Kind::null: return name == "null";
    case Value::Kind::boolean: return name == "boolean";
    case Value::Kind::integer: return name == "integer" || name == "number";
    case Value::Kind::real: return name == "real" || name == "number";
    case Value::Kind::string: return name == "string";
    case Value::Kind::bytes: return name == "bytes";
    case Value::Kind::list: return name == "array";
    case Value::Kind::map: return name == "object";
    case Value::Kind::heavy: return name == "heavy";
  }
  return false;
}

std::int64_t characters(std::string_view text) {
  std::int64_t count = 0;
  for (const char c : text)
    count += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  return count;
}

bool fits_members(const Value& schema, const Value& value) {
  const Value properties = schema["properties"];
  const Value required = schema["required"];
  for (const Value& name : required.items())
    if (!value.contains(name.as_string()))
      return false;
  for (const auto [key, item] : value.members()) {
    const Value* own = properties.find(key);
    const Value* other = schema.find("additionalProperties");
    if (own != nullptr ? !naive_fits(*own, item) : other != nullptr && !naive_fits(*other, item))
      return false;
  }
  const auto size = static_cast<std::int64_t>(value.size());
  return (!schema.contains("minProperties") || size >= schema["minProperties"].as_int()) &&
         (!schema.contains("maxProperties") || size <= schema["maxProperties"].as_int());
}

bool fits_items(const Value& schema, const Value& value) {
  const Value items = schema["items"];
  for (std::size_t i = 0; i < value.size(); ++i) {
    const Value* own = nullptr;
    if (items.is_list())
      own = i < items.size() ? &items[i] : schema.find("additionalItems");
    else
      own = schema.find("items");
    if (own != nullptr && !naive_fits(*own, value[i]))
      return false;
    for (std::size_t j = 0; j < i; ++j)
      if (schema["uniqueItems"] == Value{true} && value[i] == value[j])
        return false;
  }
  const auto size = static_cast<std::int64_t>(value.size());
  return (!schema.contains("minItems") || size >= schema["minItems"].as_int()) &&
         (!schema.contains("maxItems") || size <= schema["maxItems"].as_int());
}

bool fits_number(const Value& schema, const Value& value) {
  const long double number = number_of(value);
  if (value.is_double() && !std::isfinite(value.as_double()))
    return false;
  const auto multiple = [&](const Value& of) { return std::fmod(number, number_of(of)) == 0; };
  return (!schema.contains("minimum") || number >= number_of(schema["minimum"])) &&
         (!schema.contains("maximum") || number <= number_of(schema["maximum"])) &&
         (!schema.contains("exclusiveMinimum") || number > number_of(schema["exclusiveMinimum"])) &&
         (!schema.contains("exclusiveMaximum") || number < number_of(schema["exclusiveMaximum"])) &&
         (!schema.contains("multipleOf") || multiple(schema["multipleOf"]));
}

bool fits_text(const Value& schema, const Value& value) {
  const std::int64_t count = characters(value.as_string());
  return (!schema.contains("minLength") || count >= schema["minLength"].as_int()) &&
         (!schema.contains("maxLength") || count <= schema["maxLength"].as_int());
}

std::int64_t count_fitting(const Value& alternatives, const Value& value) {
  return std::ranges::count_if(alternatives.items(), [&](const Value& each) { return naive_fits(each, value); });
}

}  // namespace

bool naive_fits(const Value& schema, const Value& value) {
  if (schema.is_bool())
    return schema.as_bool();
  if (schema.contains("type") && !is_of_type(schema["type"], value))
    return false;
  const Value allowed = schema["enum"];
  if (schema.contains("enum") &&
      std::ranges::none_of(allowed.items(), [&](const Value& each) { return each == value; }))
    return false;
  if (const Value* constant = schema.find("const"); constant != nullptr && !(*constant == value))
    return false;
  if ((value.is_number() && !fits_number(schema, value)) || (value.is_string() && !fits_text(schema, value)) ||
      (value.is_list() && !fits_items(schema, value)) || (value.is_map() && !fits_members(schema, value)))
    return false;
  if (schema.contains("allOf") &&
      count_fitting(schema["allOf"], value) != static_cast<std::int64_t>(schema["allOf"].size()))
    return false;
  if (schema.contains("anyOf") && count_fitting(schema["anyOf"], value) == 0)
    return false;
  if (schema.contains("oneOf") && count_fitting(schema["oneOf"], value) != 1)
    return false;
  return !schema.contains("not") || !naive_fits(schema["not"], value);
}

}  // namespace theus::testing
