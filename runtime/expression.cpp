#include <theus/expression.hpp>

#include "runtime/escape.hpp"
#include "runtime/expression_machine.hpp"
#include "runtime/expression_operators.hpp"
#include "runtime/expression_parser.hpp"
#include "runtime/findings.hpp"
#include "runtime/text_position.hpp"

namespace theus {

Result<Expression> Expression::compile(std::string_view source, TextPosition at) {
  if (source.size() > source_bytes_max)
    return error_of(Errc::too_large,
                    Finding{{}, at, "an expression has at most 4096 bytes", "Compute parts of it in a process"});
  if (!is_utf8(source) || find_unsafe(source, true) != std::string_view::npos)
    return error_of(Errc::bad_expression,
                    Finding{{}, at, "the expression holds control characters or is not UTF-8", {}});
  return ExpressionParser{source, at}.run();
}

Result<Value> Expression::evaluate(const StateReader& state) const { return ExpressionMachine{*program_, state}.run(); }

Result<bool> Expression::test(const StateReader& state) const {
  const ExpressionMachine machine{*program_, state};
  auto value = machine.run();
  if (!value)
    return value.error();
  if (!value->is_bool())
    return machine.failure(
        0, Error{Errc::bad_expression,
                 {},
                 "a condition is a boolean, this one is of kind " + std::string{to_string(value->kind())},
                 "Compare the value, as in domain.count > 0"});
  return value->as_bool();
}

Result<std::string> Expression::evaluate_text(const StateReader& state) const {
  const ExpressionMachine machine{*program_, state};
  auto value = machine.run();
  if (!value)
    return value.error();
  auto text = interpolated_text(*value);
  return text ? std::move(text) : Result<std::string>{machine.failure(0, text.error())};
}

const std::string& Expression::source() const noexcept { return program_->source; }
TextPosition Expression::position() const noexcept { return program_->start; }
std::span<const Path> Expression::paths() const noexcept { return program_->paths; }

TextPosition Expression::Program::position(std::size_t at) const noexcept {
  return position_after(std::string_view{source}.substr(0, at), start);
}

}  // namespace theus
