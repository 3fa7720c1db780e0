#pragma once

#include "runtime/expression_program.hpp"

#include <span>

namespace theus {

/// One evaluation of a compiled expression. Runs each operation at most once; uses no recursion.
class ExpressionMachine {
public:
  ExpressionMachine(const Expression::Program& program, const StateReader& state) noexcept
      : program_(program), state_(state) {}

  Result<Value> run() const;

  /// The error of an operation, completed by the place in the source, and by the path it was about.
  Error failure(std::size_t at, const Error& cause, const Path* path = nullptr) const;

private:
  // A value on the stack, or the absence of the value at a path.
  struct Slot {
    Value value;
    const Path* absent = nullptr;
  };

  Result<Value> run_on(std::span<Slot> stack) const;
  Status step(const Operation& operation, std::span<Slot> stack, std::size_t& top) const;
  Status binary(const Operation& operation, Slot& left, const Slot& right) const;
  Status demand(const Operation& operation, const Slot& slot) const;
  Status demand_boolean(const Operation& operation, const Slot& slot) const;

  const Expression::Program& program_;
  const StateReader& state_;
};

}  // namespace theus
