#include "runtime/expression_machine.hpp"

#include "runtime/expression_operators.hpp"
#include "runtime/findings.hpp"

#include <array>
#include <vector>

namespace theus {

Result<Value> ExpressionMachine::run() const {
  constexpr std::size_t usual_stack = 6;
  if (program_.stack_max <= usual_stack) {
    std::array<Slot, usual_stack> stack;
    return run_on(stack);
  }
  std::vector<Slot> stack(program_.stack_max);
  return run_on(stack);
}

Result<Value> ExpressionMachine::run_on(std::span<Slot> stack) const {
  std::size_t top = 0;  // slots in use
  for (std::size_t at = 0; at < program_.code.size(); ++at) {
    const Operation& operation = program_.code[at];
    if (operation.op != Op::jump_if_false && operation.op != Op::jump_if_true) {
      if (auto done = step(operation, stack, top); !done)
        return done.error();
      continue;
    }
    const Slot& decider = stack[top - 1];
    if (auto valid = demand_boolean(operation, decider); !valid)
      return valid.error();
    if (decider.value.as_bool() == (operation.op == Op::jump_if_true))
      at = operation.operand - 1;
    else
      --top;
  }
  assert(top == 1);
  if (auto present = demand(program_.code.back(), stack[0]); !present)
    return present.error();
  return std::move(stack[0].value);
}

Status ExpressionMachine::step(const Operation& operation, std::span<Slot> stack, std::size_t& top) const {
  switch (operation.op) {
    case Op::constant: stack[top++] = Slot{program_.constants[operation.operand]}; return {};
    case Op::read: {
      const Path& path = program_.paths[operation.operand];
      auto value = state_.read(path);
      stack[top++] = value ? Slot{*std::move(value)} : Slot{{}, &path};
      return {};
    }
    case Op::has: stack[top++] = Slot{state_.read(program_.paths[operation.operand]).has_value()}; return {};
    case Op::list: {
      Value list = Value::list();
      const std::size_t first = top - operation.operand;
      for (std::size_t i = first; i < top; ++i) {
        if (auto present = demand(operation, stack[i]); !present)
          return present;
        list.push_back(std::move(stack[i].value));
      }
      top = first + 1;
      stack[first] = Slot{std::move(list)};
      return {};
    }
    case Op::call: {
      std::array<Value, 16> arguments;
      top -= operation.count;
      for (std::size_t i = 0; i < operation.count; ++i) {
        if (auto present = demand(operation, stack[top + i]); !present)
          return present;
        arguments[i] = std::move(stack[top + i].value);
      }
      auto value = expression_functions()[operation.operand].apply(std::span{arguments}.first(operation.count));
      if (!value)
        return failure(operation.at, value.error());
      stack[top++] = Slot{*std::move(value)};
      return {};
    }
    case Op::boolean: return demand_boolean(operation, stack[top - 1]);
    case Op::invert: {
      if (auto valid = demand_boolean(operation, stack[top - 1]); !valid)
        return valid;
      stack[top - 1].value = Value{!stack[top - 1].value.as_bool()};
      return {};
    }
    case Op::negate: {
      Slot& operand = stack[top - 1];
      if (auto present = demand(operation, operand); !present)
        return present;
      auto value = negated(operand.value);
      if (!value)
        return failure(operation.at, value.error());
      operand.value = *std::move(value);
      return {};
    }
    default: --top; return binary(operation, stack[top - 1], stack[top]);
  }
}

Status ExpressionMachine::binary(const Operation& operation, Slot& left, const Slot& right) const {
  const bool equality = operation.op == Op::equal || operation.op == Op::unequal;
  const bool membership = operation.op == Op::in || operation.op == Op::not_in;
  if ((equality && (left.absent || right.absent)) || (membership && left.absent && !right.absent)) {
    left = Slot{operation.op == Op::unequal || operation.op == Op::not_in};
    return {};
  }
  for (const Slot* slot : {static_cast<const Slot*>(&left), &right})
    if (auto present = demand(operation, *slot); !present)
      return present;
  auto value = apply_binary(operation.op, left.value, right.value);
  if (!value)
    return failure(operation.at, value.error());
  left.value = *std::move(value);
  return {};
}

Status ExpressionMachine::demand(const Operation& operation, const Slot& slot) const {
  if (slot.absent == nullptr)
    return {};
  const std::string& path = slot.absent->text();
  return failure(
      operation.at,
      Error{Errc::bad_expression, {}, "the path " + path + " is absent", "Ask first, as in has(" + path + ") and ..."},
      slot.absent);
}

Status ExpressionMachine::demand_boolean(const Operation& operation, const Slot& slot) const {
  if (auto present = demand(operation, slot); !present)
    return present;
  if (slot.value.is_bool())
    return {};
  return failure(operation.at,
                 Error{Errc::bad_expression,
                       {},
                       "'and', 'or' and 'not' take booleans, not " + std::string{to_string(slot.value.kind())},
                       "Compare the value, as in domain.count > 0"});
}

Error ExpressionMachine::failure(std::size_t at, const Error& cause, const Path* path) const {
  const TextPosition position = program_.position(at);
  Error error =
      error_of(cause.code(),
               Finding{{}, position, cause.cause() + " in the expression \"" + program_.source + '"', cause.remedy()});
  error.set("expression", program_.source).set("line", position.line).set("column", position.column);
  if (path != nullptr)
    error.set("path", path->text());
  return error;
}

}  // namespace theus
