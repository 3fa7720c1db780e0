#pragma once

#include <theus/path.hpp>
#include <theus/result.hpp>
#include <theus/state_reader.hpp>
#include <theus/value.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace theus {

/// A position in a text; both count from 1, columns in characters.
struct TextPosition {
  int line = 1;
  int column = 1;
};

/// A condition or computation of a workflow: `domain.count > 10 and not has(domain.stop)`.
///
/// Literals: numbers (JSON's grammar), 'text' or "text", true, false, null, [lists]. Paths: domain.x, domain['odd
/// key'], domain.items[0]. From loose to tight: or || · and && · not · == != < <= > >= in, not in · + - · * / % · - !
/// Functions: size, has, startsWith, endsWith, contains, lower, upper (ASCII letters), abs, min, max.
///
/// The language is total: no loops, no calls into the program, no randomness; each operation runs at most once.
/// - `==` holds between values of one kind and, exactly, between integers and reals; other kinds are unequal. An absent
///   path and NaN equal nothing, so `signal.cmd_stop == true` is false until the signal was sent.
/// - Order needs two numbers or two texts (bytewise). Arithmetic of integers stays in integers; `/` and `%` of integers
///   truncate as in C++. Overflow, division by zero and results that are not finite are errors.
/// - `and`, `or` and `not` take booleans and stop at the first operand that decides.
/// - An absent path anywhere but in ==, !=, has() and the left side of `in` is an error that names it.
///
/// Immutable, cheap to copy and thread-safe.
class Expression {
public:
  static constexpr std::size_t source_bytes_max = 4096;
  static constexpr std::size_t depth_max = 64;            // of parentheses, lists, calls and signs
  static constexpr std::size_t text_bytes_max = 1 << 20;  // of a text put together by an expression

  /// `at` is the place of the source in its file, for errors. Refuses with bad_expression (field `findings`: line,
  /// column, cause, suggestion), too_deep or too_large.
  static Result<Expression> compile(std::string_view source, TextPosition at = {});

  /// The value, or bad_expression with the fields expression, line, column and, where one is to blame, path.
  Result<Value> evaluate(const StateReader& state) const;

  /// The value of a condition, which must be boolean.
  Result<bool> test(const StateReader& state) const;

  /// The value as it stands inside a longer text: texts as they are, lists and maps as JSON. Bytes, heavy references
  /// and texts over 1 MB are refused.
  Result<std::string> evaluate_text(const StateReader& state) const;

  const std::string& source() const noexcept;
  /// Where the source begins in its file.
  TextPosition position() const noexcept;
  /// The paths that evaluation may read, each once.
  std::span<const Path> paths() const noexcept;
  /// Whether it reads nothing, so that its value is always the same.
  bool is_constant() const noexcept { return paths().empty(); }

private:
  struct Program;
  friend class ExpressionParser;
  friend class ExpressionMachine;
  explicit Expression(std::shared_ptr<const Program> program) noexcept : program_(std::move(program)) {}

  std::shared_ptr<const Program> program_;
};

}  // namespace theus
