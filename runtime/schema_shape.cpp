// Schemas of C++ types.

#include "runtime/schema_compiler.hpp"
#include "runtime/schema_document.hpp"

#include <algorithm>
#include <set>

namespace theus {
namespace {

constexpr std::string_view type_names[] = {"null",  "boolean", "integer", "real", "string",
                                           "bytes", "array",   "object",  "heavy"};

/// Derives the documents of one type and of the types in it.
class Derivation {
public:
  Value run(const Shape& shape) {
    Value document = derive(shape);
    if (!definitions_.empty()) {
      Value all = definitions_;
      const Value own = document["definitions"];
      for (const auto [name, item] : own.members())
        all.set(name, item);
      document.set("definitions", std::move(all));
    }
    return normalised_schema(document);
  }

  const Findings& findings() const noexcept { return findings_; }

private:
  static Value reference(const std::string& type) { return {{"$ref", "#/definitions/" + type}}; }

  Value derive(const Shape& shape) {
    Value document = of_kind(shape);
    if (!shape.is_optional || !shape.kind)
      return document;
    if (document.contains("$ref"))
      return {{"anyOf", Value::list({document, Value{{"type", "null"}}})}};
    document.set("type", Value::list({document["type"], Value{"null"}}));
    if (document.contains("enum")) {
      Value allowed = document["enum"];
      allowed.push_back(nullptr);
      document.set("enum", std::move(allowed));
    }
    return document;
  }

  Value of_kind(const Shape& shape) {
    if (!shape.kind)
      return Value::map();
    if (!shape.fields.empty() || shape.is_recursive)
      return of_struct(shape);
    Value document{{"type", type_names[static_cast<std::size_t>(*shape.kind)]}};
    if (*shape.kind == Value::Kind::integer) {
      if (shape.least != std::numeric_limits<std::int64_t>::min())
        document.set("minimum", shape.least);
      if (shape.greatest != std::numeric_limits<std::int64_t>::max())
        document.set("maximum", shape.greatest);
    }
    if (!shape.names.empty()) {
      Value allowed = Value::list();
      for (const std::string& name : shape.names)
        allowed.push_back(name);
      document.set("enum", std::move(allowed));
    }
    if (*shape.kind == Value::Kind::map && !shape.items.empty())
      document.set("additionalProperties", derive(shape.items.front()));
    if (*shape.kind == Value::Kind::list)
      add_items(shape, document);
    return document;
  }

  void add_items(const Shape& shape, Value& document) {
    if (shape.items.size() == 1) {
      document.set("items", derive(shape.items.front()));
    } else if (!shape.items.empty()) {
      Value items = Value::list();
      for (const Shape& each : shape.items)
        items.push_back(derive(each));
      document.set("items", std::move(items));
    }
    if (shape.length) {
      document.set("minItems", *shape.length);
      document.set("maxItems", *shape.length);
    }
  }

  Value of_struct(const Shape& shape) {
    if (shape.is_recursive) {
      recursive_.insert(shape.type);
      return reference(shape.type);
    }
    Value properties = Value::map();
    Value required = Value::list();
    for (const FieldShape& field : shape.fields) {
      properties.set(field.name, derive(field.shape));
      if (!field.shape.is_optional)
        required.push_back(field.name);
    }
    Value document{{"type", "object"}, {"required", required}, {"additionalProperties", false}};
    for (const Constraint& constraint : shape.constraints) {
      if (constraint.member.empty())
        continue;
      if (properties.contains(constraint.member))
        properties.set(constraint.member, constrained(shape, constraint, properties[constraint.member]));
      else
        add(shape, "the constraint of '" + constraint.member + "' is about no member");
    }
    document.set("properties", std::move(properties));
    for (const Constraint& constraint : shape.constraints)
      if (constraint.member.empty())
        document = constrained(shape, constraint, document);
    if (!recursive_.contains(shape.type))
      return document;
    definitions_.set(shape.type, document);
    return reference(shape.type);
  }

  /// The document with the constraint's keywords in place of its own.
  Value constrained(const Shape& shape, const Constraint& constraint, const Value& document) {
    const auto nodes = schema_nodes(constraint.keywords, "");
    if (!nodes || !nodes->is_map()) {
      add(shape, "the constraint of '" + constraint.member + "' is no map of keywords: " + constraint.keywords);
      return document;
    }
    yaml::FieldReader reader{"", findings_};
    Value made = document;
    const Value keywords = plain_value(reader, *nodes);
    for (const auto [keyword, value] : keywords.members())
      made.set(keyword, value);
    return made;
  }

  void add(const Shape& shape, std::string cause) {
    findings_.add({"struct " + shape.type, {}, std::move(cause), "Mend THEUS_CONSTRAINTS"});
  }

  Findings findings_;
  Value definitions_ = Value::map();
  std::set<std::string> recursive_;
};

Value with_items(const Value& items) {
  Value made{{"type", "array"}};
  if (!items.is_null())
    made.set("items", items);
  return normalised_schema(made);
}

/// What both values fit, in the terms of inferred schemas.
Value joined(const Value& a, const Value& b);

Value joined_objects(const Value& a, const Value& b) {
  Value properties = Value::map();
  Value required = Value::list();
  const Value of_a = a["properties"];
  const Value of_b = b["properties"];
  for (const auto [key, item] : of_a.members()) {
    const Value* other = of_b.find(key);
    properties.set(key, other == nullptr ? item : joined(item, *other));
  }
  for (const auto [key, item] : of_b.members())
    if (!of_a.contains(key))
      properties.set(key, item);
  const Value names = a["required"];
  const Value others = b["required"];
  for (const Value& name : names.items())
    for (const Value& other : others.items())
      if (name == other)
        required.push_back(name);
  return normalised_schema({{"type", "object"}, {"properties", properties}, {"required", required}});
}

Value joined(const Value& a, const Value& b) {
  // Lists without a schema of their elements, the empty ones among them, may hold anything.
  if (a.is_null() || b.is_null())
    return {};
  if (a == b || b == Value::map())
    return b;
  if (a == Value::map())
    return a;
  if (a["type"] == Value{"object"} && b["type"] == Value{"object"})
    return joined_objects(a, b);
  if (a["type"] == Value{"array"} && b["type"] == Value{"array"})
    return with_items(joined(a["items"], b["items"]));
  if (a.size() != 1 || b.size() != 1)
    return Value::map();
  Value types = Value::list();
  for (const Value* each : {&a["type"], &b["type"]}) {
    const Value single = *each;
    if (!single.is_list())
      types.push_back(single);
    for (const Value& type : single.items())
      types.push_back(type);
  }
  return normalised_schema({{"type", types}});
}

}  // namespace

Result<Value> schema_document(const Shape& shape) {
  Derivation derivation;
  Value document = derivation.run(shape);
  if (!derivation.findings().empty())
    return derivation.findings().error(Errc::bad_schema);
  return document;
}

Value inferred_schema(const Value& value) {
  const std::string_view type = type_names[static_cast<std::size_t>(value.kind())];
  if (value.is_list()) {
    std::optional<Value> items;
    for (const Value& item : value.items())
      items = items ? joined(*items, inferred_schema(item)) : inferred_schema(item);
    return with_items(items.value_or(Value{}));
  }
  if (!value.is_map())
    return {{"type", type}};
  Value properties = Value::map();
  Value required = Value::list();
  for (const auto [key, item] : value.members()) {
    properties.set(key, inferred_schema(item));
    required.push_back(key);
  }
  return normalised_schema({{"type", type}, {"properties", properties}, {"required", required}});
}

}  // namespace theus
