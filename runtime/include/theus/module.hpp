#pragma once

#include <theus/engine.hpp>

namespace theus {

/// What a user module exports: it registers its processes and agents with the engine of the command line.
/// Write `THEUS_MODULE(engine) { return engine.register_process({...}); }` in one source of a shared library.
using ModuleFunction = Status (*)(Engine&);

/// The interface version; a module built against another one is refused.
inline constexpr std::uint32_t module_abi = 1;

/// Loads the shared library and lets it register what it exports. It stays loaded until the process ends, since actors
/// that run its code may outlive the engine. Errors: bad_input for a library that is missing, is no module, or was
/// built against another interface; else what the registration answered, with the field `module`.
Status load_module(Engine& engine, const std::string& file);

}  // namespace theus

#define THEUS_MODULE(engine)                                                                                    \
  extern "C" __attribute__((visibility("default"))) const std::uint32_t theus_module_abi = ::theus::module_abi; \
  static ::theus::Status theus_module_register(::theus::Engine&);                                               \
  extern "C" __attribute__((visibility("default"))) ::theus::ModuleFunction theus_module() {                    \
    return theus_module_register;                                                                               \
  }                                                                                                             \
  static ::theus::Status theus_module_register([[maybe_unused]] ::theus::Engine& engine)
