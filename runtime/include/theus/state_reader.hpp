#pragma once

#include <theus/path.hpp>
#include <theus/value.hpp>

#include <optional>

namespace theus {

/// Where expressions and workflows read the state: a snapshot, a map of locals, a fixture of a test.
/// An implementation answers every read of one evaluation from the same version.
class StateReader {
public:
  virtual ~StateReader() = default;

  /// The value at `path`, or nothing when the path is absent. An explicit null is a value.
  virtual std::optional<Value> read(const Path& path) const = 0;
};

}  // namespace theus
