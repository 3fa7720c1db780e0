#pragma once

#include <theus/engine.hpp>

namespace theus {

/// What a user module exports: it registers its processes and agents with the engine of the command line.
/// Write `THEUS_MODULE(engine) { return engine.register_process({...}); }` in one source of a shared library.
using ModuleFunction = Status (*)(Engine&);

/// The interface version; a module built against another one is refused.
inline constexpr std::uint32_t module_abi = 1;

}  // namespace theus

#define THEUS_MODULE(engine)                                                                                    \
  extern "C" __attribute__((visibility("default"))) const std::uint32_t theus_module_abi = ::theus::module_abi; \
  static ::theus::Status theus_module_register(::theus::Engine&);                                               \
  extern "C" __attribute__((visibility("default"))) ::theus::ModuleFunction theus_module() {                    \
    return theus_module_register;                                                                               \
  }                                                                                                             \
  static ::theus::Status theus_module_register([[maybe_unused]] ::theus::Engine& engine)
