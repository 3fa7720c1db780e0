#include "runtime/expression_parser.hpp"

#include <theus/nearest.hpp>
#include "runtime/expression_operators.hpp"
#include "runtime/findings.hpp"
#include "runtime/number.hpp"

#include <algorithm>
#include <array>

namespace theus {
namespace {

constexpr int level_or = 1;
constexpr int level_and = 2;
constexpr int level_compare = 3;  // and `not`, whose operand is a whole comparison
constexpr int level_sum = 4;
constexpr int level_product = 5;
constexpr int level_sign = 6;

struct Infix {
  TokenKind kind;
  int level;
  Op op;
};

constexpr std::array infixes{
    Infix{TokenKind::logical_or, level_or, Op::jump_if_true},
    Infix{TokenKind::logical_and, level_and, Op::jump_if_false},
    Infix{TokenKind::logical_not, level_compare, Op::not_in},
    Infix{TokenKind::in, level_compare, Op::in},
    Infix{TokenKind::equal, level_compare, Op::equal},
    Infix{TokenKind::unequal, level_compare, Op::unequal},
    Infix{TokenKind::less, level_compare, Op::less},
    Infix{TokenKind::less_equal, level_compare, Op::less_equal},
    Infix{TokenKind::greater, level_compare, Op::greater},
    Infix{TokenKind::greater_equal, level_compare, Op::greater_equal},
    Infix{TokenKind::plus, level_sum, Op::add},
    Infix{TokenKind::minus, level_sum, Op::subtract},
    Infix{TokenKind::times, level_product, Op::multiply},
    Infix{TokenKind::slash, level_product, Op::divide},
    Infix{TokenKind::percent, level_product, Op::remainder},
};

const Infix* infix_of(TokenKind kind) noexcept {
  const auto found = std::ranges::find(infixes, kind, &Infix::kind);
  return found == infixes.end() ? nullptr : &*found;
}

std::vector<std::string> function_names() {
  std::vector<std::string> names;
  for (const ExpressionFunction& function : expression_functions())
    names.emplace_back(function.name);
  return names;
}

bool is_number(const Token& token) noexcept {
  return token.kind == TokenKind::literal && token.text.front() >= '0' && token.text.front() <= '9';
}

std::string counted(std::size_t count, std::string_view noun) {
  return std::to_string(count) + ' ' + std::string{noun} + (count == 1 ? "" : "s");
}

}  // namespace

ExpressionParser::ExpressionParser(std::string_view source, TextPosition start)
    : program_(std::make_shared<Expression::Program>()), lexer_({}) {
  program_->source = source;
  program_->start = start;
  lexer_ = ExpressionLexer{program_->source};
}

Result<Expression> ExpressionParser::run() {
  const bool parsed = advance() && expression(level_or) &&
                      (token_.kind == TokenKind::end ||
                       fail(token_.at, "an operator is missing before '" + std::string{token_.text} + "'"));
  if (parsed)
    return Expression{std::move(program_)};
  const TextPosition at = program_->position(problem_.at);
  return error_of(
      code_, Finding{{}, at, problem_.cause + " in the expression \"" + program_->source + '"', problem_.suggestion});
}

bool ExpressionParser::expression(int level_min) {
  if (depth_ == Expression::depth_max)
    return fail(token_.at, "the expression is nested deeper than 64 levels", "Compute parts of it in a process",
                Errc::too_deep);
  ++depth_;
  bool compared = token_.kind == TokenKind::logical_not;  // which takes a whole comparison as its operand
  bool parsed = operand();
  while (parsed) {
    const Infix* infix_operator = infix_of(token_.kind);
    if (infix_operator == nullptr || infix_operator->level < level_min)
      break;
    if (infix_operator->level == level_compare && std::exchange(compared, true))
      parsed = fail(token_.at, "comparisons do not chain", "Write a < b and b < c");
    else if (infix_operator->level < level_compare)
      compared = false;
    parsed = parsed && infix(token_.kind, token_.at);
  }
  --depth_;
  return parsed;
}

bool ExpressionParser::infix(TokenKind kind, std::size_t at) {
  const Infix& found = *infix_of(kind);
  if (!advance())
    return false;
  if (found.op == Op::jump_if_true || found.op == Op::jump_if_false)
    return decide(found.op, found.level + 1, at);
  if (found.op == Op::not_in && !expect(TokenKind::in, "'in' after 'not'"))
    return false;
  if (!expression(found.level + 1))
    return false;
  emit(found.op, at);
  --stack_;
  return true;
}

// left; jump over the right side when left decides; right; boolean
bool ExpressionParser::decide(Op jump, int level, std::size_t at) {
  const std::size_t jump_at = program_->code.size();
  emit(jump, at);
  --stack_;
  if (!expression(level))
    return false;
  emit(Op::boolean, at);
  program_->code[jump_at].operand = static_cast<std::uint32_t>(program_->code.size());
  return true;
}

bool ExpressionParser::operand() {
  switch (token_.kind) {
    case TokenKind::literal:
      if (is_number(token_) && token_.value.is_null())
        return fail(token_.at, "the number " + std::string{token_.text} + " is out of range", "Integers have 64 bits");
      emit_constant(token_.value, token_.at);
      return advance();
    case TokenKind::path: return path_or_call();
    case TokenKind::logical_not: return prefixed(Op::invert, level_compare);
    case TokenKind::bang: return prefixed(Op::invert, level_sign);
    case TokenKind::minus: return negative();
    case TokenKind::open_list: return list();
    case TokenKind::open: return advance() && expression(level_or) && expect(TokenKind::close, "')'");
    case TokenKind::end:
      return fail(token_.at, program_->code.empty() ? "the expression is empty" : "an operand is missing at the end");
    case TokenKind::plus: return fail(token_.at, "'+' stands before no number", "Write the number without a sign");
    default: return fail(token_.at, "an operand is missing before '" + std::string{token_.text} + "'");
  }
}

bool ExpressionParser::prefixed(Op op, int level) {
  const std::size_t at = token_.at;
  if (!advance() || !expression(level))
    return false;
  emit(op, at);
  return true;
}

bool ExpressionParser::negative() {
  const std::size_t at = token_.at;
  if (!advance())
    return false;
  if (!is_number(token_)) {
    if (!expression(level_sign))
      return false;
    emit(Op::negate, at);
    return true;
  }
  // The sign belongs to the literal, so that -9223372036854775808 can be written.
  emit_constant(parse_number('-' + std::string{token_.text}).value, at);
  return advance();
}

bool ExpressionParser::path_or_call() {
  const Token name = token_;
  if (!advance())
    return false;
  if (token_.kind == TokenKind::open)
    return call(name);
  std::size_t index = 0;
  if (!path_index(name, index))
    return false;
  emit(Op::read, name.at, index);
  grow(1);
  return true;
}

bool ExpressionParser::call(const Token& name) {
  if (name.text == "has")
    return has(name);
  const auto functions = expression_functions();
  const auto found = std::ranges::find(functions, name.text, &ExpressionFunction::name);
  if (found == functions.end()) {
    const std::size_t dot = name.text.rfind('.');
    if (dot != std::string_view::npos)
      return fail(
          name.at, "a path is not a function",
          "Write " + std::string{name.text.substr(dot + 1)} + '(' + std::string{name.text.substr(0, dot)} + ", ...)");
    return fail(name.at, "unknown function '" + std::string{name.text} + "'", suggest(name.text, function_names()));
  }
  std::size_t count = 0;
  if (!advance() || !arguments(TokenKind::close, count))
    return false;
  if (count < found->arguments_min || count > found->arguments_max)
    return fail(name.at,
                std::string{name.text} + " takes " +
                    (found->arguments_min == found->arguments_max
                         ? counted(found->arguments_min, "argument")
                         : std::to_string(found->arguments_min) + " to " + counted(found->arguments_max, "argument")) +
                    ", not " + std::to_string(count));
  emit(Op::call, name.at, static_cast<std::size_t>(found - functions.begin()), count);
  stack_ -= count;
  grow(1);
  return true;
}

bool ExpressionParser::has(const Token& name) {
  if (!advance())
    return false;
  const Token path = token_;
  std::size_t index = 0;
  if (path.kind != TokenKind::path || !advance() || token_.kind != TokenKind::close)
    return fail(name.at, "has takes one path", "Write has(domain.x)");
  if (!path_index(path, index))
    return false;
  emit(Op::has, name.at, index);
  grow(1);
  return advance();
}

bool ExpressionParser::list() {
  const std::size_t at = token_.at;
  const std::size_t begin = program_->code.size();
  std::size_t count = 0;
  if (!advance() || !arguments(TokenKind::close_list, count))
    return false;
  stack_ -= count;
  const auto elements = std::span{program_->code}.subspan(begin);
  const bool constant = std::ranges::all_of(elements, [](const Operation& each) { return each.op == Op::constant; });
  if (!constant) {
    emit(Op::list, at, count);
    grow(1);
    return true;
  }
  // A list of literals is built once, here.
  Value list = Value::list();
  for (const Operation& element : elements)
    list.push_back(program_->constants[element.operand]);
  program_->code.resize(begin);
  emit_constant(std::move(list), at);
  return true;
}

bool ExpressionParser::arguments(TokenKind close, std::size_t& count) {
  if (token_.kind == close)
    return advance();
  while (true) {
    if (!expression(level_or))
      return false;
    ++count;
    if (token_.kind != TokenKind::comma)
      return expect(close, close == TokenKind::close ? "',' or ')'" : "',' or ']'");
    if (!advance())
      return false;
  }
}

bool ExpressionParser::advance() {
  return lexer_.next(token_) || fail(lexer_.problem().at, lexer_.problem().cause, lexer_.problem().suggestion);
}

bool ExpressionParser::expect(TokenKind kind, std::string_view wanted) {
  if (token_.kind == kind)
    return advance();
  const std::string found = token_.kind == TokenKind::end ? "the end" : "'" + std::string{token_.text} + "'";
  return fail(token_.at, "expected " + std::string{wanted} + ", found " + found);
}

bool ExpressionParser::fail(std::size_t at, std::string cause, std::string suggestion, Errc code) {
  if (suggestion.empty())
    suggestion = "Write paths, numbers, texts and operators between them, as in domain.count > 10";
  problem_ = {at, std::move(cause), std::move(suggestion)};
  code_ = code;
  return false;
}

void ExpressionParser::emit(Op op, std::size_t at, std::size_t operand, std::size_t count) {
  program_->code.push_back(
      {op, static_cast<std::uint8_t>(count), static_cast<std::uint16_t>(at), static_cast<std::uint32_t>(operand)});
}

void ExpressionParser::emit_constant(Value value, std::size_t at) {
  emit(Op::constant, at, program_->constants.size());
  program_->constants.push_back(std::move(value));
  grow(1);
}

void ExpressionParser::grow(std::size_t pushed) noexcept {
  stack_ += pushed;
  program_->stack_max = std::max(program_->stack_max, stack_);
}

bool ExpressionParser::path_index(const Token& token, std::size_t& index) {
  auto path = Path::parse(token.text);
  if (!path)
    return fail(token.at, path.error().cause(), path.error().remedy());
  auto& paths = program_->paths;
  index = static_cast<std::size_t>(std::ranges::find(paths, *path) - paths.begin());
  if (index == paths.size())
    paths.push_back(*std::move(path));
  return true;
}

}  // namespace theus
