#pragma once

#include "runtime/rerun.hpp"

#include <theus/engine.hpp>

namespace theus {

/// An engine that only lends the definitions of what is registered and spawned in it.
class Rehearsal {
public:
  Rehearsal(const AccessOptions& access, std::uint64_t seed);

  Engine& engine() noexcept { return engine_; }
  /// All that was registered and spawned so far.
  Cast cast() const;

private:
  Engine engine_;
};

}  // namespace theus
