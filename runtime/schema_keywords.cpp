// The keywords of schemas, one function for each kind of them.

#include "runtime/expression_compare.hpp"
#include "runtime/schema_compiler.hpp"

#include <theus/nearest.hpp>

#include <algorithm>
#include <cmath>

#include <re2/re2.h>

namespace theus {
namespace {

using yaml::Field;
using yaml::Node;

constexpr std::int64_t least_integer = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t greatest_integer = std::numeric_limits<std::int64_t>::max();
constexpr double two_to_63 = 9223372036854775808.0;
constexpr std::int64_t pattern_memory_max = 1 << 20;

constexpr std::uint16_t bit(Value::Kind kind) noexcept {
  return static_cast<std::uint16_t>(1U << static_cast<unsigned>(kind));
}

struct TypeName {
  std::string_view name;
  std::uint16_t kinds;
};

constexpr TypeName type_names[] = {
    {"null", bit(Value::Kind::null)},       {"boolean", bit(Value::Kind::boolean)},
    {"integer", bit(Value::Kind::integer)}, {"number", bit(Value::Kind::integer) | bit(Value::Kind::real)},
    {"real", bit(Value::Kind::real)},       {"string", bit(Value::Kind::string)},
    {"array", bit(Value::Kind::list)},      {"object", bit(Value::Kind::map)},
    {"bytes", bit(Value::Kind::bytes)},     {"heavy", bit(Value::Kind::heavy)},
};

void refuse_all(SchemaNode& made) noexcept {
  made.integer_least = greatest_integer;
  made.integer_greatest = least_integer;
}

// The least integer that is not below the bound, or above it.
void raise_integers(SchemaNode& made, const Value& bound, bool open) {
  if (bound.is_int()) {
    if (open && bound.as_int() == greatest_integer)
      return refuse_all(made);
    made.integer_least = std::max(made.integer_least, bound.as_int() + (open ? 1 : 0));
    return;
  }
  const double whole = open ? std::floor(bound.as_double()) + 1 : std::ceil(bound.as_double());
  if (whole >= two_to_63)
    return refuse_all(made);
  if (whole > -two_to_63)
    made.integer_least = std::max(made.integer_least, static_cast<std::int64_t>(whole));
}

void lower_integers(SchemaNode& made, const Value& bound, bool open) {
  if (bound.is_int()) {
    if (open && bound.as_int() == least_integer)
      return refuse_all(made);
    made.integer_greatest = std::min(made.integer_greatest, bound.as_int() - (open ? 1 : 0));
    return;
  }
  const double whole = open ? std::ceil(bound.as_double()) - 1 : std::floor(bound.as_double());
  if (whole < -two_to_63)
    return refuse_all(made);
  if (whole < two_to_63)
    made.integer_greatest = std::min(made.integer_greatest, static_cast<std::int64_t>(whole));
}

struct RealBound {
  double number;
  bool open;
};

// Large integers are no doubles: the nearest double on the inner side bounds the same reals.
RealBound real_bound(const Value& bound, bool open, bool is_lower) {
  const double number = bound.as_number();
  const int order = ordering(Value{number}, bound).value_or(0);
  if (order == 0)
    return {number, open};
  const bool is_inside = is_lower ? order > 0 : order < 0;
  const double inward = is_lower ? two_to_63 * 2 : -two_to_63 * 2;
  return {is_inside ? number : std::nextafter(number, inward), false};
}

void raise_reals(SchemaNode& made, RealBound bound) noexcept {
  if (bound.number < made.real_least || (bound.number == made.real_least && made.is_real_least_open))
    return;
  made.real_least = bound.number;
  made.is_real_least_open = bound.open;
}

void lower_reals(SchemaNode& made, RealBound bound) noexcept {
  if (bound.number > made.real_greatest || (bound.number == made.real_greatest && made.is_real_greatest_open))
    return;
  made.real_greatest = bound.number;
  made.is_real_greatest_open = bound.open;
}

}  // namespace

std::span<const SchemaCompiler::KeywordRow> SchemaCompiler::keywords() {
  static constexpr KeywordRow rows[] = {
      {"type", &SchemaCompiler::add_type},
      {"enum", &SchemaCompiler::add_enum},
      {"const", &SchemaCompiler::add_const},
      {"minimum", &SchemaCompiler::add_minimum},
      {"maximum", &SchemaCompiler::add_maximum},
      {"exclusiveMinimum", &SchemaCompiler::add_above},
      {"exclusiveMaximum", &SchemaCompiler::add_below},
      {"multipleOf", &SchemaCompiler::add_multiple_of},
      {"minLength", &SchemaCompiler::add_size},
      {"maxLength", &SchemaCompiler::add_size},
      {"minItems", &SchemaCompiler::add_size},
      {"maxItems", &SchemaCompiler::add_size},
      {"minProperties", &SchemaCompiler::add_size},
      {"maxProperties", &SchemaCompiler::add_size},
      {"pattern", &SchemaCompiler::add_pattern},
      {"uniqueItems", &SchemaCompiler::add_flag},
      {"x-secret", &SchemaCompiler::add_flag},
      {"x-non-finite", &SchemaCompiler::add_flag},
      {"items", &SchemaCompiler::add_items},
      {"additionalItems", &SchemaCompiler::add_additional_items},
      {"additionalProperties", &SchemaCompiler::add_additional},
      {"allOf", &SchemaCompiler::add_alternatives},
      {"anyOf", &SchemaCompiler::add_alternatives},
      {"oneOf", &SchemaCompiler::add_alternatives},
      {"not", &SchemaCompiler::add_negated},
      {"title", &SchemaCompiler::add_title},
      {"properties", nullptr},
      {"required", nullptr},
      {"definitions", nullptr},
      {"$defs", nullptr},
      {"description", nullptr},
      {"default", nullptr},
      {"examples", nullptr},
      {"$comment", nullptr},
      {"$schema", nullptr},
  };
  return rows;
}

const std::vector<std::string>& SchemaCompiler::keyword_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all{"$ref"};
    for (const KeywordRow& row : keywords())
      all.emplace_back(row.name);
    return all;
  }();
  return names;
}

std::optional<Value> SchemaCompiler::number(const Field& field) {
  if (field.node.is_scalar() && field.node.plain)
    if (auto value = reader_.scalar(field.node); !value || value->is_number())
      return value;
  reader_.add(field.node.at, "'" + field.key + "' is a number, not " + std::string{describe(field.node)});
  return std::nullopt;
}

std::optional<bool> SchemaCompiler::flag(const Field& field) {
  if (field.node.is_scalar() && field.node.plain && (field.node.text == "true" || field.node.text == "false"))
    return field.node.text == "true";
  reader_.add(field.node.at, "'" + field.key + "' is true or false, not " + std::string{describe(field.node)});
  return std::nullopt;
}

SchemaRange SchemaCompiler::compile_list(const Field& field) {
  if (!reader_.list(field.node, "'" + field.key + "'"))
    return {};
  if (field.node.items.empty())
    reader_.add(field.node.at, "'" + field.key + "' is empty", "Name at least one schema");
  std::vector<SchemaId> schemas;
  for (const Node& item : field.node.items)
    schemas.push_back(compile(item));
  const SchemaRange range{static_cast<std::uint32_t>(program_->alternatives.size()),
                          static_cast<std::uint32_t>(schemas.size())};
  program_->alternatives.insert(program_->alternatives.end(), schemas.begin(), schemas.end());
  return range;
}

void SchemaCompiler::add_type(const Field& field, SchemaNode& made, SchemaWords&) {
  made.kinds = 0;
  const std::span<const Node> types =
      field.node.is_list() ? std::span<const Node>{field.node.items} : std::span<const Node>{&field.node, 1};
  if (types.empty())
    reader_.add(field.node.at, "'type' is empty", "Name at least one type");
  for (const Node& type : types) {
    // YAML's plain null is the type of that name here.
    const std::string_view name = type.kind == Node::Kind::null ? "null" : std::string_view{type.text};
    const auto known = std::ranges::find(type_names, name, &TypeName::name);
    if (known != std::end(type_names)) {
      made.kinds |= known->kinds;
      continue;
    }
    std::vector<std::string> names;
    for (const TypeName& each : type_names)
      names.emplace_back(each.name);
    reader_.add(type.at, "there is no type '" + std::string{name} + "'", suggest(name, names));
  }
}

void SchemaCompiler::add_enum(const Field& field, SchemaNode& made, SchemaWords&) {
  if (!reader_.list(field.node, "'enum'"))
    return;
  if (field.node.items.empty())
    reader_.add(field.node.at, "'enum' is empty, so that nothing fits", "Name at least one value");
  if (made.has_allowed)
    return reader_.add(field.at, "'enum' and 'const' stand side by side", "Use one of them");
  made.allowed = {static_cast<std::uint32_t>(program_->values.size()),
                  static_cast<std::uint32_t>(field.node.items.size())};
  made.has_allowed = true;
  for (const Node& item : field.node.items)
    program_->values.push_back(plain_value(reader_, item));
}

void SchemaCompiler::add_const(const Field& field, SchemaNode& made, SchemaWords&) {
  if (made.has_allowed)
    return reader_.add(field.at, "'enum' and 'const' stand side by side", "Use one of them");
  made.allowed = {static_cast<std::uint32_t>(program_->values.size()), 1};
  made.has_allowed = true;
  program_->values.push_back(plain_value(reader_, field.node));
}

void SchemaCompiler::add_minimum(const Field& field, SchemaNode& made, SchemaWords& words) {
  words.minimum = number(field).value_or(Value{0});
  raise_integers(made, words.minimum, false);
  raise_reals(made, real_bound(words.minimum, false, true));
}

void SchemaCompiler::add_above(const Field& field, SchemaNode& made, SchemaWords& words) {
  words.above = number(field).value_or(Value{0});
  raise_integers(made, words.above, true);
  raise_reals(made, real_bound(words.above, true, true));
}

void SchemaCompiler::add_maximum(const Field& field, SchemaNode& made, SchemaWords& words) {
  words.maximum = number(field).value_or(Value{0});
  lower_integers(made, words.maximum, false);
  lower_reals(made, real_bound(words.maximum, false, false));
}

void SchemaCompiler::add_below(const Field& field, SchemaNode& made, SchemaWords& words) {
  words.below = number(field).value_or(Value{0});
  lower_integers(made, words.below, true);
  lower_reals(made, real_bound(words.below, true, false));
}

void SchemaCompiler::add_multiple_of(const Field& field, SchemaNode& made, SchemaWords& words) {
  const auto divisor = number(field);
  if (!divisor)
    return;
  if (divisor->as_number() <= 0)
    return reader_.add(field.node.at, "'multipleOf' must be above 0", "Use a positive number");
  words.multiple_of = *divisor;
  made.has_multiple_of = true;
}

void SchemaCompiler::add_size(const Field& field, SchemaNode& made, SchemaWords&) {
  const auto size = reader_.integer(field.node, "'" + field.key + "'", 0, greatest_integer);
  if (!size)
    return;
  const auto count = static_cast<std::size_t>(*size);
  struct Row {
    std::string_view name;
    std::size_t SchemaNode::*bound;
  };
  static constexpr Row rows[] = {
      {"minLength", &SchemaNode::characters_least},  {"maxLength", &SchemaNode::characters_greatest},
      {"minItems", &SchemaNode::items_least},        {"maxItems", &SchemaNode::items_greatest},
      {"minProperties", &SchemaNode::members_least}, {"maxProperties", &SchemaNode::members_greatest}};
  made.*std::ranges::find(rows, field.key, &Row::name)->bound = count;
  made.has_text_bounds |= field.key.ends_with("Length");
  made.is_whole |= field.key.ends_with("Properties");
}

void SchemaCompiler::add_pattern(const Field& field, SchemaNode& made, SchemaWords& words) {
  const auto text = reader_.text(field.node, "'pattern'");
  if (!text)
    return;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(pattern_memory_max);
  auto pattern = std::make_unique<RE2>(*text, options);
  if (!pattern->ok())
    return reader_.add(field.node.at, "the pattern " + *text + " is none: " + pattern->error(),
                       "Patterns are RE2's: no look-around and no back-references, so that each takes linear time");
  words.pattern = *text;
  made.has_text_bounds = true;
  made.pattern = pattern.get();
  program_->patterns.push_back(std::move(pattern));
}

void SchemaCompiler::add_flag(const Field& field, SchemaNode& made, SchemaWords&) {
  const bool on = flag(field).value_or(false);
  (field.key == "uniqueItems" ? made.unique_items
   : field.key == "x-secret"  ? made.is_secret
                              : made.allows_non_finite) = on;
}

void SchemaCompiler::add_items(const Field& field, SchemaNode& made, SchemaWords&) {
  if (field.node.is_list())
    made.tuple = compile_list(field);
  else
    made.items = compile(field.node);
}

void SchemaCompiler::add_additional_items(const Field& field, SchemaNode& made, SchemaWords&) {
  made.items = compile(field.node);
}

void SchemaCompiler::add_additional(const Field& field, SchemaNode& made, SchemaWords&) {
  made.additional = compile(field.node);
}

void SchemaCompiler::add_alternatives(const Field& field, SchemaNode& made, SchemaWords&) {
  (field.key == "allOf" ? made.all_of : field.key == "anyOf" ? made.any_of : made.one_of) = compile_list(field);
}

void SchemaCompiler::add_negated(const Field& field, SchemaNode& made, SchemaWords&) {
  const SchemaId schema = compile(field.node);
  if (schema == any_value && field.node.is_scalar())
    return reader_.add(field.node.at, "'not' of what takes everything leaves nothing", "Write false");
  made.negated = schema == no_value ? any_value : schema;
}

void SchemaCompiler::add_title(const Field& field, SchemaNode&, SchemaWords& words) {
  words.title = reader_.text(field.node, "a title").value_or("");
}

}  // namespace theus
