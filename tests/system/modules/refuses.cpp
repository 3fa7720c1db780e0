#include <theus/module.hpp>

THEUS_MODULE(engine) {
  const auto nothing = [](theus::Context&) {};
  if (auto registered = engine.register_process({.name = "twin", .body = nothing}); !registered)
    return registered;
  return engine.register_process({.name = "twin", .body = nothing});
}
