#include "runtime/expression_operators.hpp"

#include "runtime/expression_compare.hpp"

#include <theus/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace theus {
namespace {

Error refused(std::string cause, std::string remedy = {}) {
  return Error{Errc::bad_expression, {}, std::move(cause), std::move(remedy)};
}

std::string kind_of(const Value& value) { return std::string{to_string(value.kind())}; }

Error wrong_argument(std::string_view function, std::string_view wanted, const Value& found) {
  return refused(std::string{function} + " takes " + std::string{wanted} + ", not " + kind_of(found));
}

struct Arithmetic {
  Op op;
  std::string_view symbol;
  bool (*integers)(std::int64_t, std::int64_t, std::int64_t*);  // whether it overflows
  double (*reals)(double, double);
};

bool add(std::int64_t a, std::int64_t b, std::int64_t* c) { return __builtin_add_overflow(a, b, c); }
bool subtract(std::int64_t a, std::int64_t b, std::int64_t* c) { return __builtin_sub_overflow(a, b, c); }
bool multiply(std::int64_t a, std::int64_t b, std::int64_t* c) { return __builtin_mul_overflow(a, b, c); }

// The least integer has no positive counterpart, and its remainder by -1 traps on some processors.
bool divide(std::int64_t a, std::int64_t b, std::int64_t* c) {
  if (b == -1)
    return __builtin_sub_overflow(std::int64_t{0}, a, c);
  *c = a / b;
  return false;
}

bool remainder(std::int64_t a, std::int64_t b, std::int64_t* c) {
  *c = b == -1 ? 0 : a % b;
  return false;
}

constexpr std::array arithmetics{
    Arithmetic{Op::add, "+", add, [](double a, double b) { return a + b; }},
    Arithmetic{Op::subtract, "-", subtract, [](double a, double b) { return a - b; }},
    Arithmetic{Op::multiply, "*", multiply, [](double a, double b) { return a * b; }},
    Arithmetic{Op::divide, "/", divide, [](double a, double b) { return a / b; }},
    Arithmetic{Op::remainder, "%", remainder, [](double a, double b) { return std::fmod(a, b); }},
};

bool is_zero(const Value& number) noexcept { return number.is_int() ? number.as_int() == 0 : number.as_double() == 0; }

Result<Value> join(const Value& left, const Value& right) {
  if (left.size() + right.size() > Expression::text_bytes_max)
    return Error{Errc::too_large, {}, "a text put together by an expression exceeds 1 MB", {}};
  std::string text{left.as_string()};
  text += right.as_string();
  return Value{text};
}

Result<Value> calculate(const Arithmetic& arithmetic, const Value& left, const Value& right) {
  const std::string symbol{arithmetic.symbol};
  if (arithmetic.op == Op::add && left.is_string() && right.is_string())
    return join(left, right);
  if (!left.is_number() || !right.is_number())
    return refused('\'' + symbol + "' takes two numbers, not " + kind_of(left) + " and " + kind_of(right));
  const bool divides = arithmetic.op == Op::divide || arithmetic.op == Op::remainder;
  if (divides && is_zero(right))
    return refused("division by zero", "Check the divisor first, as in domain.n != 0 and domain.x / domain.n > 1");
  if (left.is_int() && right.is_int()) {
    std::int64_t result = 0;
    if (arithmetic.integers(left.as_int(), right.as_int(), &result))
      return refused("the integer result of '" + symbol + "' does not fit into 64 bits",
                     "Compute with reals, as in 1.0 * x");
    return Value{result};
  }
  const double result = arithmetic.reals(left.as_number(), right.as_number());
  if (!std::isfinite(result))
    return refused("the result of '" + symbol + "' is not a finite number");
  return Value{result};
}

Result<Value> compare(Op op, const Value& left, const Value& right) {
  const auto order = ordering(left, right);
  if (!order)
    return refused(left.is_number() && right.is_number()
                       ? std::string{"NaN has no place in an order"}
                       : "an order exists between two numbers or two texts, not between " + kind_of(left) + " and " +
                             kind_of(right));
  switch (op) {
    case Op::less: return Value{*order < 0};
    case Op::less_equal: return Value{*order <= 0};
    case Op::greater: return Value{*order > 0};
    default: return Value{*order >= 0};
  }
}

Result<Value> equality(const Value& left, const Value& right, bool wanted) {
  const auto same = equal_values(left, right);
  if (!same)
    return Error{Errc::too_deep, {}, "the compared values are nested deeper than 64 levels", {}};
  return Value{*same == wanted};
}

Result<Value> membership(const Value& item, const Value& container) {
  if (container.is_list()) {
    for (const Value& element : container.items()) {
      auto same = equality(item, element, true);
      if (!same || same->as_bool())
        return same;
    }
    return Value{false};
  }
  if (container.is_map() && item.is_string())
    return Value{container.contains(item.as_string())};
  if (container.is_string() && item.is_string())
    return Value{container.as_string().find(item.as_string()) != std::string_view::npos};
  return refused("membership is asked of a list, a map (by key) or a text (by part), not of " + kind_of(container) +
                 " for " + kind_of(item));
}

Result<Value> size(std::span<const Value> arguments) {
  const Value& value = arguments[0];
  if (value.is_string())  // characters: every byte that does not continue one
    return Value{std::ranges::count_if(value.as_string(),
                                       [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; })};
  if (value.is_list() || value.is_map() || value.is_bytes())
    return Value{value.size()};
  return wrong_argument("size", "a list, map, text or bytes", value);
}

template <bool (std::string_view::*test)(std::string_view) const noexcept>
Result<Value> text_test(std::span<const Value> arguments) {
  if (!arguments[0].is_string() || !arguments[1].is_string())
    return refused("the function takes two texts, not " + kind_of(arguments[0]) + " and " + kind_of(arguments[1]));
  return Value{(arguments[0].as_string().*test)(arguments[1].as_string())};
}

template <char first, char last>
Result<Value> fold_case(std::span<const Value> arguments) {
  if (!arguments[0].is_string())
    return wrong_argument("the function", "a text", arguments[0]);
  std::string text{arguments[0].as_string()};
  for (char& c : text)
    if (c >= first && c <= last)
      c = static_cast<char>(c ^ 0x20);
  return Value{text};
}

Result<Value> absolute(std::span<const Value> arguments) {
  const Value& value = arguments[0];
  if (!value.is_number())
    return wrong_argument("abs", "a number", value);
  if (value.is_double())
    return Value{std::fabs(value.as_double())};
  return value.as_int() < 0 ? negated(value) : Result<Value>{value};
}

template <int sign>
Result<Value> extreme(std::span<const Value> arguments) {
  const Value* best = &arguments[0];
  for (const Value& value : arguments.subspan(1)) {
    const auto order = ordering(value, *best);
    if (!order)
      return refused("min and max take numbers or texts, not " + kind_of(*best) + " and " + kind_of(value));
    if (*order * sign > 0)
      best = &value;
  }
  return *best;
}

constexpr std::array functions{
    ExpressionFunction{"size", 1, 1, size},
    ExpressionFunction{"len", 1, 1, size},
    ExpressionFunction{"has", 1, 1, nullptr},
    ExpressionFunction{"startsWith", 2, 2, text_test<&std::string_view::starts_with>},
    ExpressionFunction{"endsWith", 2, 2, text_test<&std::string_view::ends_with>},
    ExpressionFunction{"contains", 2, 2, [](std::span<const Value> a) { return membership(a[1], a[0]); }},
    ExpressionFunction{"lower", 1, 1, fold_case<'A', 'Z'>},
    ExpressionFunction{"upper", 1, 1, fold_case<'a', 'z'>},
    ExpressionFunction{"abs", 1, 1, absolute},
    ExpressionFunction{"min", 2, 16, extreme<-1>},
    ExpressionFunction{"max", 2, 16, extreme<1>},
};

}  // namespace

Result<Value> apply_binary(Op op, const Value& left, const Value& right) {
  switch (op) {
    case Op::equal:
    case Op::unequal: return equality(left, right, op == Op::equal);
    case Op::less:
    case Op::less_equal:
    case Op::greater:
    case Op::greater_equal: return compare(op, left, right);
    case Op::in: return membership(left, right);
    case Op::not_in: {
      auto found = membership(left, right);
      return found ? Result<Value>{Value{!found->as_bool()}} : std::move(found);
    }
    default: return calculate(*std::ranges::find(arithmetics, op, &Arithmetic::op), left, right);
  }
}

Result<Value> negated(const Value& operand) {
  if (operand.is_double())
    return Value{-operand.as_double()};
  if (!operand.is_int())
    return refused("'-' takes a number, not " + kind_of(operand));
  std::int64_t result = 0;
  if (subtract(0, operand.as_int(), &result))
    return refused("the integer result of '-' does not fit into 64 bits", "Compute with reals, as in 1.0 * x");
  return Value{result};
}

std::span<const ExpressionFunction> expression_functions() noexcept { return functions; }

Result<std::string> interpolated_text(const Value& value) {
  if (value.is_bytes() || value.is_heavy())
    return refused(kind_of(value) + " cannot stand inside a text", "Give the value alone, as in \"${domain.x}\"");
  std::string text = value.is_string() ? std::string{value.as_string()} : to_json(value);
  if (text.size() > Expression::text_bytes_max)
    return Error{Errc::too_large, {}, "a text put together by an expression exceeds 1 MB", {}};
  return text;
}

}  // namespace theus
