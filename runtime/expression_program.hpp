#pragma once

// What an expression is compiled to: operations on a stack of values, in order, with forward jumps only. Hence an
// evaluation ends after at most code.size() operations and needs no recursion.

#include <theus/expression.hpp>

#include <cstdint>
#include <vector>

namespace theus {

enum class Op : std::uint8_t {
  constant,       // push constants[operand]
  read,           // push the value at paths[operand], or "absent"
  has,            // push whether paths[operand] is present
  list,           // replace the top `operand` values by a list of them
  call,           // replace the top `count` values by functions[operand] of them
  jump_if_false,  // keep a false on top and go to code[operand], or drop a true
  jump_if_true,   // the reverse
  boolean,        // demand a boolean on top
  invert,
  negate,
  add,
  subtract,
  multiply,
  divide,
  remainder,
  equal,
  unequal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  not_in,
};

struct Operation {
  Op op;
  std::uint8_t count;
  std::uint16_t at;  // byte of the source that an error points to
  std::uint32_t operand;
};
static_assert(Expression::source_bytes_max <= UINT16_MAX);

struct Expression::Program {
  std::string source;
  TextPosition start;
  std::vector<Operation> code;
  std::vector<Value> constants;
  std::vector<Path> paths;
  std::size_t stack_max = 0;

  /// Where byte `at` of the source stands in its file.
  TextPosition position(std::size_t at) const noexcept;
};

}  // namespace theus
