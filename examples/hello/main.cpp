#include <theus/engine.hpp>

#include <cstdio>

int main() {
  theus::Engine engine;
  engine
      .register_process({
          .name = "greet",
          .inputs = {"domain.name"},
          .outputs = {"domain.greeting"},
          .body = [](theus::Context& ctx) { return "Hello, " + ctx.get<std::string>("domain.name"); },
      })
      .value();
  engine.compare_and_swap(0, {{"domain.name", "world"}}).value();
  engine.execute("greet").value();
  std::puts(engine.state().data().get<std::string>("domain.greeting").value().c_str());
}
