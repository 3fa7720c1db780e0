#pragma once

#include "runtime/contract.hpp"

#include <theus/process.hpp>

namespace theus {

/// An output as the body wants it, by the path it belongs to.
struct MappedOutput {
  Path path;
  Output output;
};

/// Which declared output takes which returned value. Refuses (contract_violation) with the rules `arity` (a scalar or
/// a tuple of another size for several outputs), `ambiguous` (a last segment that two outputs share) and
/// `undeclared_output` (a name that is none).
Result<std::vector<MappedOutput>> map_outputs(const Contract& contract, const Returned& returned);

/// What the body returned as one value: a tuple as a list, names as a map, nothing as null.
Value value_of(const Returned& returned);

}  // namespace theus
