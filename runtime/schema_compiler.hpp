#pragma once

#include "runtime/schema_program.hpp"
#include "runtime/yaml/field_reader.hpp"

#include <map>

namespace theus {

/// Makes a program of the nodes of a document. What is wrong goes to the reader's findings.
class SchemaCompiler {
public:
  static constexpr std::size_t nodes_max = 20'000;

  /// `shared` has further `definitions`, or is nullptr. All outlive the compiler.
  SchemaCompiler(yaml::FieldReader& reader, const yaml::Node* shared) : reader_(reader), shared_(shared) {}

  /// What was compiled is of use only when there were no findings.
  std::shared_ptr<const SchemaProgram> run(const yaml::Node& schema);

private:
  /// What a node's bounds are gathered from.
  struct Bounds;
  using Keyword = void (SchemaCompiler::*)(const yaml::Field&, SchemaNode&, SchemaWords&);
  struct KeywordRow {
    std::string_view name;
    Keyword compile;  // nullptr: read elsewhere, or said to people only
  };
  static std::span<const KeywordRow> keywords();
  static const std::vector<std::string>& keyword_names();

  SchemaId compile(const yaml::Node& node);
  void compile_into(SchemaId id, const yaml::Node& node);
  void compile_pending();
  SchemaId allocate(const yaml::Node& node);
  SchemaId refer(const yaml::Node& node);
  const yaml::Node* target(const yaml::Node& reference);
  void compile_definitions(const yaml::Node& node);
  void compile_properties(const yaml::Node& node, SchemaNode& made);
  void refuse_cycles(const yaml::Node& schema);

  void add_type(const yaml::Field& field, SchemaNode& made, SchemaWords& words);
  void add_enum(const yaml::Field& field, SchemaNode& made, SchemaWords& words);
  void add_const(const yaml::Field& field, SchemaNode& made, SchemaWords& words);
  void add_minimum(const yaml::Field& field, SchemaNode& made, SchemaWords& words);
  void add_maximum(const yaml::Field& field, SchemaNode& made, SchemaWords& words);
  void add_above(const yaml::Field& field, SchemaNode& made, SchemaWords& words);
  void add_below(const yaml::Field& field, SchemaNode& made, SchemaWords& words);
  void add_multiple_of(const yaml::Field& field, SchemaNode& made, SchemaWords& words);
  void add_size(const yaml::Field& field, SchemaNode& made, SchemaWords& words);
  void add_pattern(const yaml::Field& field, SchemaNode& made, SchemaWords& words);
  void add_flag(const yaml::Field& field, SchemaNode& made, SchemaWords& words);
  void add_items(const yaml::Field& field, SchemaNode& made, SchemaWords& words);
  void add_additional_items(const yaml::Field& field, SchemaNode& made, SchemaWords& words);
  void add_additional(const yaml::Field& field, SchemaNode& made, SchemaWords& words);
  void add_alternatives(const yaml::Field& field, SchemaNode& made, SchemaWords& words);
  void add_negated(const yaml::Field& field, SchemaNode& made, SchemaWords& words);
  void add_title(const yaml::Field& field, SchemaNode& made, SchemaWords& words);

  std::optional<Value> number(const yaml::Field& field);
  std::optional<bool> flag(const yaml::Field& field);
  SchemaRange compile_list(const yaml::Field& field);

  yaml::FieldReader& reader_;
  const yaml::Node* const shared_;
  const yaml::Node* schema_ = nullptr;
  std::shared_ptr<SchemaProgram> program_;
  std::map<const yaml::Node*, SchemaId> referred_;
  std::vector<std::pair<SchemaId, const yaml::Node*>> pending_;  // referred to, and not compiled yet
  bool is_too_large_ = false;
};

/// The value that a node of a document stands for. Scalars that are no clear value go to the reader's findings.
Value plain_value(yaml::FieldReader& reader, const yaml::Node& node);

}  // namespace theus
