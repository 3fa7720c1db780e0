#pragma once

#include <theus/describe.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace theus {

struct SchemaProgram;

/// What values are to look like: a subset of JSON Schema, draft-07, compiled once.
///
/// Keywords: type (one or a list), enum, const, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf,
/// minLength, maxLength (characters), pattern (RE2's syntax, in linear time, found anywhere in the text), properties,
/// required, additionalProperties, minProperties, maxProperties, items (one schema, or a list of them with
/// additionalItems), minItems, maxItems, uniqueItems, allOf, anyOf, oneOf, not, $ref to `#`, `#/definitions/NAME` and
/// `#/$defs/NAME`; title, description, default, examples, $comment and $schema say something to people only. Schemas
/// may be true and false. Every other keyword is an error.
///
/// Where this differs from the draft:
/// - `integer` takes integers and `real` doubles; `number` takes both. 1.0 is no integer, and 1 does not equal 1.0 in
///   enum, const and uniqueItems: integers never become doubles.
/// - `bytes` and `heavy` are types, too.
/// - `x-non-finite: true` lets NaN and infinities pass; without it a number must be finite. NaN satisfies no bound.
/// - `x-secret: true` keeps values at and below it out of errors.
/// - keywords beside $ref are refused, where the draft ignores them.
///
/// References may lead back, for trees; a schema that contains itself without going into the value is refused. Bounds:
/// 1 MiB of text, 64 levels, 20,000 parts. Immutable, cheap to copy and thread-safe.
class Schema {
public:
  /// Of a JSON or YAML text: JSON when it begins with { or [. `file` is named in errors. Refuses with bad_schema: all
  /// findings at once, with line, column and suggestion, in the field `findings`.
  static Result<Schema> parse(std::string_view text, std::string_view file = {});
  /// Of a value that a JSON Schema document reads as: {{"type", "integer"}, {"minimum", 0}}.
  static Result<Schema> from(const Value& document);
  /// Of what a C++ type's Values look like, with the constraints that it declares.
  static Result<Schema> from(const Shape& shape);
  /// Of a type that has a Shape: a struct with THEUS_FIELDS, a vector of them. Throws InputError when the constraints
  /// that it declares are no schema.
  template <class T>
  static Schema of() {
    return from(describe<T>()).value();
  }

  /// Whether the value fits. Refuses with schema_violation: the fields `path`, `wanted` and `got` tell the first thing
  /// wrong, `violations` (a list of such maps) the first hundred, `count` how many there are. Allocates nothing when
  /// the value fits, but for lists of many elements that must differ.
  Status check(const Value& value) const;
  /// As check(), without words.
  bool fits(const Value& value) const;

  /// The schema as a document, in one form for all that mean the same by the same keywords: `required` and `type`
  /// sorted, what says nothing left out.
  const Value& document() const noexcept;

  friend bool operator==(const Schema& a, const Schema& b) { return a.document() == b.document(); }

private:
  friend class SchemaAccess;
  struct Compiled;
  explicit Schema(std::shared_ptr<const Compiled> compiled) noexcept : compiled_(std::move(compiled)) {}

  std::shared_ptr<const Compiled> compiled_;
};

/// The document from which Schema::from(shape) is compiled. Refuses (bad_schema) constraints of members that are not
/// there, and such that are no documents.
Result<Value> schema_document(const Shape& shape);

/// A schema that the value fits, as a draft to be edited: kinds and members as they are, no bounds.
Value inferred_schema(const Value& value);

}  // namespace theus
