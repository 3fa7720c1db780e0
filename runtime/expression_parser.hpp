#pragma once

#include "runtime/expression_lexer.hpp"
#include "runtime/expression_program.hpp"

namespace theus {

/// Compiles one source by precedence climbing, straight to operations. Its recursion is capped at
/// Expression::depth_max levels.
class ExpressionParser {
public:
  ExpressionParser(std::string_view source, TextPosition start);

  Result<Expression> run();

private:
  // Each parses one construct and emits code that leaves its value on the stack; false leaves problem_.
  bool expression(int level_min);
  bool operand();
  bool prefixed(Op op, int level);
  bool negative();
  bool path_or_call();
  bool call(const Token& name);
  bool has(const Token& name);
  bool list();
  bool arguments(TokenKind close, std::size_t& count);
  bool infix(TokenKind kind, std::size_t at);
  bool decide(Op jump, int level, std::size_t at);

  bool advance();
  bool expect(TokenKind kind, std::string_view wanted);
  bool fail(std::size_t at, std::string cause, std::string suggestion = {}, Errc code = Errc::bad_expression);

  void emit(Op op, std::size_t at, std::size_t operand = 0, std::size_t count = 0);
  void emit_constant(Value value, std::size_t at);
  bool path_index(const Token& token, std::size_t& index);
  void grow(std::size_t pushed) noexcept;

  std::shared_ptr<Expression::Program> program_;
  ExpressionLexer lexer_;
  Token token_;
  std::size_t stack_ = 0;
  std::size_t depth_ = 0;
  SyntaxProblem problem_{};
  Errc code_ = Errc::bad_expression;
};

}  // namespace theus
