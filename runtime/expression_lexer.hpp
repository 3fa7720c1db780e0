#pragma once

#include <theus/value.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace theus {

enum class TokenKind : std::uint8_t {
  end,
  literal,  // a number, text, true, false or null; in Token::value
  path,     // domain.x['k'][0], spelt in Token::text; a single name may turn out to be a function
  logical_or,
  logical_and,
  logical_not,  // `not`
  bang,         // `!`, which binds tighter
  in,
  equal,
  unequal,
  less,
  less_equal,
  greater,
  greater_equal,
  plus,
  minus,
  times,
  slash,
  percent,
  comma,
  open,
  close,
  open_list,
  close_list,
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::size_t at = 0;
  std::string_view text;
  Value value;
};

/// Why a source is no expression, at which byte.
struct SyntaxProblem {
  std::size_t at;
  std::string cause;
  std::string suggestion;
};

/// Cuts an expression into tokens. Any bytes are accepted; what is no token is a problem.
class ExpressionLexer {
public:
  /// `source` outlives the lexer.
  explicit ExpressionLexer(std::string_view source) noexcept : source_(source) {}

  /// Reads the next token into `token`; false leaves problem().
  bool next(Token& token);
  const SyntaxProblem& problem() const noexcept { return problem_; }

private:
  bool number(Token& token);
  bool text(Token& token);
  bool name(Token& token);
  bool accessor(std::size_t& end);
  bool symbol(Token& token);
  bool fail(std::size_t at, std::string cause, std::string suggestion = {});
  char peek(std::size_t at) const noexcept { return at < source_.size() ? source_[at] : '\0'; }

  std::string_view source_;
  std::size_t at_ = 0;
  SyntaxProblem problem_{};
};

}  // namespace theus
