#include <theus/engine.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>

// A parser that somebody else wrote, and that does not survive everything.
std::int64_t depth_of(const std::string& text) {
  std::int64_t depth = 0;
  std::int64_t deepest = 0;
  for (const char letter : text) {
    if (letter == '\\')
      std::raise(SIGSEGV);
    depth += letter == '(' ? 1 : letter == ')' ? -1 : 0;
    deepest = std::max(deepest, depth);
  }
  return deepest;
}

theus::Status processes(theus::Engine& engine) {
  return engine.register_process(
      {.name = "parse",
       .inputs = {"domain.text"},
       .outputs = {"domain.depth"},
       .isolated = true,
       .body = [](theus::Context& ctx) { return depth_of(ctx.get<std::string>("domain.text")); }});
}

int main() {
  theus::serve_if_worker(processes);  // first; in a worker it does not return
  theus::Engine engine{{.log = [](const theus::LogEntry&) {}}};
  processes(engine).value();
  for (const char* text : {"(a (b c))", "(a \\ b)", "((()))"}) {
    engine.compare_and_swap(engine.version(), {{"domain.text", text}}).value();
    const auto parsed = engine.execute("parse");
    const std::string told = parsed ? "depth " + std::to_string(parsed->get<std::int64_t>().value())
                                    : std::string{to_string(parsed.error().code())};
    std::printf("%s: %s\n", text, told.c_str());
  }
}
