// C++ structs of which the same schemas are made. Whatever is emitted is also described, as describe<T>() would
// describe the struct; what its derived schema lacks or says otherwise becomes a constraint. So both ways agree by
// construction.

#include "runtime/schema_document.hpp"

#include <theus/json.hpp>
#include <theus/state_schema.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

namespace theus {
namespace {

constexpr auto reserved = std::to_array<std::string_view>(
    {"alignas",     "alignof",   "and",        "and_eq",    "asm",      "auto",         "bitand",
     "bitor",       "bool",      "break",      "case",      "catch",    "char",         "char8_t",
     "char16_t",    "char32_t",  "class",      "compl",     "concept",  "const",        "consteval",
     "constexpr",   "constinit", "const_cast", "continue",  "co_await", "co_return",    "co_yield",
     "decltype",    "default",   "delete",     "do",        "double",   "dynamic_cast", "else",
     "enum",        "explicit",  "export",     "extern",    "false",    "float",        "for",
     "friend",      "goto",      "if",         "inline",    "int",      "long",         "mutable",
     "namespace",   "new",       "noexcept",   "not",       "not_eq",   "nullptr",      "operator",
     "or",          "or_eq",     "private",    "protected", "public",   "register",     "reinterpret_cast",
     "requires",    "return",    "short",      "signed",    "sizeof",   "static",       "static_assert",
     "static_cast", "struct",    "switch",     "template",  "this",     "thread_local", "throw",
     "true",        "try",       "typedef",    "typeid",    "typename", "union",        "unsigned",
     "using",       "virtual",   "void",       "volatile",  "wchar_t",  "while",        "xor",
     "xor_eq",      "errno",     "assert",     "stdin",     "stdout",   "stderr"});

bool is_identifier(std::string_view text) {
  const auto is_part = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !text.empty() && std::isalpha(static_cast<unsigned char>(text[0])) != 0 &&
         std::ranges::all_of(text, is_part) && text.find("__") == std::string_view::npos &&
         std::ranges::find(reserved, text) == reserved.end();
}

/// order_lines -> OrderLines; what is no letter or digit goes.
std::string type_name(std::string_view text) {
  std::string name;
  bool is_start = true;
  for (const unsigned char c : text) {
    if (std::isalnum(c) == 0) {
      is_start = true;
      continue;
    }
    name += static_cast<char>(is_start ? std::toupper(c) : c);
    is_start = false;
  }
  return name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) != 0 ? "Type" + name : name;
}

std::string raw_literal(const std::string& text) {
  std::string mark;
  while (text.find(")" + mark + "\"") != std::string::npos)
    mark += "x";
  return "R\"" + mark + "(" + text + ")" + mark + "\"";
}

/// A C++ type and what its Values look like.
struct TypeText {
  std::string text;
  Shape shape;
};

class Emitter {
public:
  /// A type whose derived schema is the document, but for keywords that a constraint can replace.
  TypeText type_of(const Value& document, const std::string& name) {
    if (document.is_map())
      if (auto found = known_type(document, name))
        return *std::move(found);
    return {"theus::Value", {}};
  }

  /// What the derived schema of the shape needs to become the document; nothing when no keywords can do it.
  static std::optional<Value> difference(const Shape& shape, const Value& document) {
    const Value derived = schema_document(shape).value();
    Value keywords = Value::map();
    for (const auto [key, item] : document.members())
      if (const Value* own = derived.find(key); own == nullptr || !(*own == item))
        keywords.set(key, item);
    for (const auto [key, item] : derived.members())
      if (!document.contains(key)) {
        if (key != "additionalProperties")
          return std::nullopt;
        keywords.set(key, true);
      }
    return keywords;
  }

  const std::string& text() const noexcept { return text_; }

private:
  static constexpr std::size_t fields_max = 64;

  std::optional<TypeText> known_type(const Value& document, const std::string& name) {
    const Value& type = document["type"];
    if (!type.is_string())
      return std::nullopt;
    struct Row {
      std::string_view type;
      std::string_view text;
      Value::Kind kind;
    };
    static constexpr std::array rows{
        Row{"boolean", "bool", Value::Kind::boolean},       Row{"integer", "std::int64_t", Value::Kind::integer},
        Row{"real", "double", Value::Kind::real},           Row{"number", "double", Value::Kind::real},
        Row{"string", "std::string", Value::Kind::string},  Row{"bytes", "std::vector<std::byte>", Value::Kind::bytes},
        Row{"heavy", "theus::HeavyRef", Value::Kind::heavy}};
    const auto row = std::ranges::find(rows, type.as_string(), &Row::type);
    if (row != rows.end())
      return TypeText{std::string{row->text}, shape_of_kind(row->kind)};
    if (type == Value{"array"} && !document["items"].is_list()) {
      TypeText item = type_of(document["items"], name + "Item");
      return TypeText{"std::vector<" + item.text + ">", shape_of_kind(Value::Kind::list, {std::move(item.shape)})};
    }
    if (type == Value{"object"})
      return document.contains("properties") ? struct_of(document, name) : map_of(document, name);
    return std::nullopt;
  }

  std::optional<TypeText> map_of(const Value& document, const std::string& name) {
    if (!document["additionalProperties"].is_map())
      return std::nullopt;
    TypeText item = type_of(document["additionalProperties"], name + "Item");
    return TypeText{"std::map<std::string, " + item.text + ">",
                    shape_of_kind(Value::Kind::map, {std::move(item.shape)})};
  }

  std::optional<TypeText> struct_of(const Value& document, const std::string& wanted_name) {
    const Value properties = document["properties"];
    std::vector<std::string> keys;
    for (const auto [key, item] : properties.members())
      keys.emplace_back(key);
    if (keys.size() > fields_max || !std::ranges::all_of(keys, is_identifier))
      return std::nullopt;
    const std::string name = unused(wanted_name);
    Shape shape = shape_of_kind(Value::Kind::map);
    shape.type = name;
    std::string members;
    for (const std::string& key : keys) {
      const bool is_required = names(document["required"], key);
      TypeText member = member_of(properties[key], name + type_name(key), is_required);
      const Value keywords = *difference(member.shape, properties[key]);
      if (!keywords.empty())
        shape.constraints.push_back({key, to_json(keywords)});
      members += "  " + member.text + " " + key + (is_scalar(member.text) ? "{};\n" : ";\n");
      shape.fields.push_back({key, std::move(member.shape)});
    }
    const auto keywords = difference(shape, document);
    if (!keywords)
      return std::nullopt;
    if (!keywords->empty())
      shape.constraints.push_back({"", to_json(*keywords)});
    emit(name, keys, members, shape.constraints);
    return TypeText{name, std::move(shape)};
  }

  /// A type that the member's document can be reached from by a constraint.
  TypeText member_of(const Value& document, const std::string& name, bool is_required) {
    TypeText member = type_of(is_required ? document : without_null(document), name);
    if (!is_required) {
      member.text = "std::optional<" + member.text + ">";
      member.shape.is_optional = true;
    }
    if (difference(member.shape, document))
      return member;
    Shape any;
    any.is_optional = !is_required;
    return {is_required ? "theus::Value" : "std::optional<theus::Value>", any};
  }

  void emit(const std::string& name, const std::vector<std::string>& keys, const std::string& members,
            const std::vector<Constraint>& constraints) {
    text_ += "struct " + name + " {\n" + members + "};\nTHEUS_FIELDS(" + name;
    for (const std::string& key : keys)
      text_ += ", " + key;
    text_ += ")\n";
    if (!constraints.empty()) {
      text_ += "THEUS_CONSTRAINTS(" + name;
      for (const Constraint& each : constraints)
        text_ += ",\n                  {\"" + each.member + "\", " + raw_literal(each.keywords) + "}";
      text_ += ")\n";
    }
    text_ += "\n";
  }

  /// An optional member takes null by itself.
  static Value without_null(const Value& document) {
    const Value type = document["type"];
    if (!type.is_list() || type.size() != 2 || !names(type, "null"))
      return document;
    Value made = document;
    made.set("type", type[type[0] == Value{"null"} ? 1 : 0]);
    return made;
  }

  static bool names(const Value& list, std::string_view name) {
    return std::ranges::any_of(list.items(), [&](const Value& each) { return each == Value{name}; });
  }
  static bool is_scalar(std::string_view type) { return type == "bool" || type == "double" || type == "std::int64_t"; }

  std::string unused(const std::string& wanted) {
    std::string name = wanted;
    for (int number = 2; !used_.insert(name).second; ++number)
      name = wanted + std::to_string(number);
    return name;
  }

  std::set<std::string> used_;
  std::string text_;
};

/// Rules and versions are kept; a path whose schema is no struct keeps it as a text.
std::string function_text(const StateSchema& schema, Emitter& emitter) {
  std::string body;
  for (const auto& [path, each] : schema.schemas()) {
    const TypeText type = emitter.type_of(each.document(), type_name(path.spelling()));
    const std::string at = "  schema.at(" + raw_literal(path.text()) + ", ";
    const bool is_exact = normalised_schema(schema_document(type.shape).value()) == each.document();
    body += is_exact && type.shape.kind
                ? at + "theus::Schema::of<" + type.text + ">());\n"
                : at + "theus::Schema::parse(" + raw_literal(to_json(each.document())) + ").value());\n";
  }
  for (const auto& [name, condition] : schema.conditions())
    body += "  schema.rule(" + raw_literal(name) + ", theus::Expression::compile(" + raw_literal(condition.source()) +
            ").value());\n";
  return "/// The schema of the whole state.\ninline theus::StateSchema context_schema() {\n  theus::StateSchema "
         "schema{" +
         std::to_string(schema.version()) + "};\n" + body + "  return schema;\n}\n";
}

}  // namespace

Result<std::string> schema_code(const StateSchema& schema, std::string_view header_namespace) {
  for (std::string_view rest = header_namespace; !rest.empty();) {
    const std::size_t end = std::min(rest.find("::"), rest.size());
    if (!is_identifier(rest.substr(0, end)))
      return Error{Errc::bad_argument, "namespace " + std::string{header_namespace},
                   "'" + std::string{rest.substr(0, end)} + "' is no name in C++", "Write it as in shop or shop::data"};
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  Emitter emitter;
  const std::string function = function_text(schema, emitter);
  std::string text =
      "// Made by `theus schema code`; changes belong into the schema.\n// clang-format off\n#pragma once\n\n#include "
      "<theus/fields.hpp>\n"
      "#include <theus/state_schema.hpp>\n\n#include <cstdint>\n#include <map>\n#include <optional>\n#include "
      "<string>\n#include <vector>\n\n";
  if (!header_namespace.empty())
    text += "namespace " + std::string{header_namespace} + " {\n\n";
  text += emitter.text() + function;
  if (!header_namespace.empty())
    text += "\n}  // namespace " + std::string{header_namespace} + "\n";
  return text;
}

}  // namespace theus
