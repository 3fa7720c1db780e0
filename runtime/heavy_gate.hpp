#pragma once

#include <theus/value.hpp>

namespace theus {

/// What may stand at a path of the heavy zone, in the form in which it may.
struct Admitted {
  Value value;
  std::size_t bytes_copied = 0;
};

/// Who knows which values the heavy zone takes. Thread-safe.
class HeavyGate {
public:
  virtual ~HeavyGate() = default;

  /// Handles that name a living buffer pass, and keep it from now on; so do null, and lists and maps of handles.
  /// Numbers and bytes are copied into a buffer. Anything else is refused with contract_violation, rule "heavy_only".
  virtual Result<Admitted> admit(const Value& value) = 0;
};

}  // namespace theus
