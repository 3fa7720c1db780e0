// A program with a main of its own that is started again as its worker; what it is told to do wrong comes as argument.

#include "tests/support/isolated_bodies.hpp"

#include <theus/errors.hpp>

#include <cstdio>
#include <string_view>

using namespace theus;

namespace {

Status nothing(Engine&) { return {}; }

Status other_contract(Engine& engine) {
  return engine.register_process({.name = "count",
                                  .inputs = {"domain.other"},
                                  .outputs = {"domain.count"},
                                  .isolated = true,
                                  .body = [](Context&) { return 1; }});
}

void tell(const Result<Executed>& result) { std::printf("%s\n", result ? "ok" : result.error().text().c_str()); }

}  // namespace

int main(int argc, char** argv) {
  // A worker gets no arguments, so that it must look at what it inherits.
  const char* const told = std::getenv("OWN_WORKER_MODE");
  const std::string_view mode = told != nullptr ? told : argc > 1 ? argv[1] : "";
  if (mode == "knows_nothing")
    serve_if_worker(nothing);
  else if (mode == "other_contract")
    serve_if_worker(other_contract);
  else if (mode == "registration_throws")
    serve_if_worker([](Engine&) -> Status { throw std::runtime_error{"no table today"}; });
  else if (mode != "forgets")
    serve_if_worker(testing::register_isolated_bodies);
  try {
    Engine engine;
    if (const Status registered = testing::register_isolated_bodies(engine); !registered) {
      std::printf("%s\n", registered.error().text().c_str());
      return 3;
    }
    tell(engine.execute("count"));
    tell(engine.execute("count"));
    std::printf("%d\n", engine.state().get<int>("domain.count", 0).value());
  } catch (const TheusError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 9;
  }
  return 0;
}
