#pragma once

#include "runtime/expression_program.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

// The operators and functions of expressions on present values. Every error is bad_expression (too_deep, too_large)
// with cause and remedy; the caller adds the place.

namespace theus {

/// Applies an arithmetic, comparison or membership operator. REQUIRES: op is one from Op::add to Op::not_in.
Result<Value> apply_binary(Op op, const Value& left, const Value& right);

Result<Value> negated(const Value& operand);

struct ExpressionFunction {
  std::string_view name;
  std::size_t arguments_min;
  std::size_t arguments_max;
  Result<Value> (*apply)(std::span<const Value> arguments);  // has() reads a path instead: nullptr
};

std::span<const ExpressionFunction> expression_functions() noexcept;

/// A value as it stands inside a longer text; see Expression::evaluate_text.
Result<std::string> interpolated_text(const Value& value);

}  // namespace theus
