#pragma once

#include "runtime/yaml/field_reader.hpp"

#include <theus/expression.hpp>

#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace theus {

/// A value of a workflow file in which texts may hold "${expression}". Immutable after construction.
class ValueTemplate {
public:
  /// A template that always gives this value.
  explicit ValueTemplate(Value constant = {}) : content_(std::move(constant)) {}

  /// Compiles a node of any kind; nothing when findings were added. Its recursion is bounded by the depth of documents.
  static std::optional<ValueTemplate> compile(const yaml::Node& node, yaml::FieldReader& reader);

  /// The value against this state; the error of the first expression that fails.
  Result<Value> evaluate(const StateReader& state) const;

  /// Calls `visit` with every expression inside.
  void for_each_expression(const std::function<void(const Expression&)>& visit) const;

private:
  using Piece = std::variant<std::string, Expression>;
  struct Text {
    std::vector<Piece> pieces;
  };
  struct List {
    std::vector<ValueTemplate> items;
  };
  struct Map {
    std::vector<std::pair<std::string, ValueTemplate>> members;
  };
  using Content = std::variant<Value, Expression, Text, List, Map>;

  explicit ValueTemplate(Content content, int) : content_(std::move(content)) {}
  static std::optional<ValueTemplate> compile_text(const yaml::Node& node, yaml::FieldReader& reader);
  static Result<Value> evaluate_text(const Text& text, const StateReader& state);
  bool is_constant() const noexcept { return std::holds_alternative<Value>(content_); }

  Content content_;
};

/// The end of the "${...}" that begins at `begin` (past its brace), or npos when it is not closed. Braces in quotes do
/// not count.
std::size_t interpolation_end(std::string_view text, std::size_t begin) noexcept;

}  // namespace theus
