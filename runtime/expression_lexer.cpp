#include "runtime/expression_lexer.hpp"

#include "runtime/number.hpp"

#include <array>

namespace theus {
namespace {

struct Spelling {
  std::string_view text;
  TokenKind kind;
};

// Longer spellings precede their prefixes.
constexpr std::array symbols{
    Spelling{"||", TokenKind::logical_or}, Spelling{"&&", TokenKind::logical_and},
    Spelling{"==", TokenKind::equal},      Spelling{"!=", TokenKind::unequal},
    Spelling{"<=", TokenKind::less_equal}, Spelling{">=", TokenKind::greater_equal},
    Spelling{"<", TokenKind::less},        Spelling{">", TokenKind::greater},
    Spelling{"!", TokenKind::bang},        Spelling{"+", TokenKind::plus},
    Spelling{"-", TokenKind::minus},       Spelling{"*", TokenKind::times},
    Spelling{"/", TokenKind::slash},       Spelling{"%", TokenKind::percent},
    Spelling{",", TokenKind::comma},       Spelling{"(", TokenKind::open},
    Spelling{")", TokenKind::close},       Spelling{"[", TokenKind::open_list},
    Spelling{"]", TokenKind::close_list},
};

constexpr std::array words{
    Spelling{"or", TokenKind::logical_or},
    Spelling{"and", TokenKind::logical_and},
    Spelling{"not", TokenKind::logical_not},
    Spelling{"in", TokenKind::in},
};

struct Constant {
  std::string_view text;
  int value;  // -1: null
};

// The capitalised ones are those of Python, in which conditions of the reference are written.
constexpr std::array constants{
    Constant{"true", 1}, Constant{"false", 0}, Constant{"null", -1},
    Constant{"True", 1}, Constant{"False", 0}, Constant{"None", -1},
};

struct Mistake {
  std::string_view text;
  std::string_view suggestion;
};

constexpr std::array mistakes{
    Mistake{"=", "Write == to compare; expressions cannot assign"},
    Mistake{"&", "Write 'and' or &&"},
    Mistake{"|", "Write 'or' or ||"},
    Mistake{"?", "There is no conditional operator; use a step `flux: if`"},
    Mistake{"$", "Inside an expression a path is written without ${}"},
    Mistake{"{", "Maps cannot be written in expressions"},
    Mistake{".", "A path begins with a name, as in domain.x; a number with a digit, as in 0.5"},
};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool starts_name(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

bool continues_name(char c) noexcept { return starts_name(c) || is_digit(c); }

}  // namespace

bool ExpressionLexer::fail(std::size_t at, std::string cause, std::string suggestion) {
  problem_ = {at, std::move(cause), std::move(suggestion)};
  return false;
}

bool ExpressionLexer::next(Token& token) {
  while (at_ < source_.size() && (peek(at_) == ' ' || peek(at_) == '\t' || peek(at_) == '\n' || peek(at_) == '\r'))
    ++at_;
  token = Token{TokenKind::end, at_, {}, {}};
  if (at_ == source_.size())
    return true;
  const char c = peek(at_);
  if (is_digit(c))
    return number(token);
  if (c == '\'' || c == '"')
    return text(token);
  return starts_name(c) ? name(token) : symbol(token);
}

bool ExpressionLexer::number(Token& token) {
  const std::size_t length = number_length(source_.substr(at_));
  std::size_t end = at_ + length;
  if (continues_name(peek(end)) || peek(end) == '.') {
    while (continues_name(peek(end)) || peek(end) == '.')
      ++end;
    return fail(at_, "'" + std::string{source_.substr(at_, end - at_)} + "' is not a number",
                "Numbers are decimal, without leading zeros, as in 7, 0.5 or 1e6");
  }
  token.kind = TokenKind::literal;
  token.text = source_.substr(at_, length);
  Number number = parse_number(token.text);
  // 2^63 fits once the parser has joined it with a minus sign.
  constexpr std::string_view least_integer = "9223372036854775808";
  if (number.form == NumberForm::out_of_range && token.text != least_integer)
    return fail(at_, "the number " + std::string{token.text} + " is out of range",
                "Integers have 64 bits, reals end at 1.8e308");
  token.value = std::move(number.value);
  at_ = end;
  return true;
}

bool ExpressionLexer::text(Token& token) {
  const char quote = peek(at_);
  std::string content;
  for (std::size_t at = at_ + 1; at < source_.size(); ++at) {
    char c = source_[at];
    if (c == quote) {
      token.kind = TokenKind::literal;
      token.text = source_.substr(at_, at + 1 - at_);
      token.value = Value{content};
      at_ = at + 1;
      return true;
    }
    if (c == '\\') {
      c = peek(++at);
      if (c == 'n' || c == 't')
        c = c == 'n' ? '\n' : '\t';
      else if (c != '\\' && c != '\'' && c != '"')
        return fail(at - 1, "unknown escape in a text", "The escapes are \\n, \\t, \\\\, \\' and \\\"");
    }
    content += c;
  }
  return fail(at_, "a text is not closed", "Close it with the quote it began with");
}

bool ExpressionLexer::name(Token& token) {
  std::size_t end = at_;
  while (continues_name(peek(end)))
    ++end;
  token.text = source_.substr(at_, end - at_);
  for (const Spelling& word : words) {
    if (token.text == word.text) {
      token.kind = word.kind;
      at_ = end;
      return true;
    }
  }
  for (const Constant& constant : constants) {
    if (token.text == constant.text) {
      token.kind = TokenKind::literal;
      token.value = constant.value < 0 ? Value{} : Value{constant.value == 1};
      at_ = end;
      return true;
    }
  }
  while (peek(end) == '.' || peek(end) == '[')
    if (!accessor(end))
      return false;
  token.kind = TokenKind::path;
  token.text = source_.substr(at_, end - at_);
  at_ = end;
  return true;
}

bool ExpressionLexer::accessor(std::size_t& end) {
  const std::size_t start = end++;
  if (source_[start] == '.') {
    if (!continues_name(peek(end)))
      return fail(start, "a name is missing after '.'", "Write domain.x, or domain['odd key'] for other keys");
    while (continues_name(peek(end)))
      ++end;
    return true;
  }
  if (const char quote = peek(end); quote == '\'' || quote == '"') {
    for (++end; end < source_.size() && source_[end] != quote; ++end)
      if (source_[end] == '\\')
        ++end;
    ++end;
  } else {
    while (is_digit(peek(end)))
      ++end;
    if (end == start + 1)
      return fail(start, "the bracket after a path holds neither a number nor a quoted key",
                  "Write domain.items[0] or domain['key']; computed keys do not exist");
  }
  if (peek(end) != ']')
    return fail(start, "a '[' of a path is not closed", "Write domain.items[0] or domain['key']");
  ++end;
  return true;
}

bool ExpressionLexer::symbol(Token& token) {
  const std::string_view rest = source_.substr(at_);
  for (const Spelling& symbol : symbols) {
    if (rest.starts_with(symbol.text)) {
      token.kind = symbol.kind;
      token.text = rest.substr(0, symbol.text.size());
      at_ += symbol.text.size();
      return true;
    }
  }
  for (const Mistake& mistake : mistakes)
    if (rest.starts_with(mistake.text))
      return fail(at_, "'" + std::string{mistake.text} + "' is not an operator", std::string{mistake.suggestion});
  return fail(at_, "unexpected character '" + std::string{rest.substr(0, 1)} + "'");
}

}  // namespace theus
